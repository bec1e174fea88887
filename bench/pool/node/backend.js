// SPDX-License-Identifier: MIT
// The fake server behind generic-pool, as backend.c is for the pools in C; and waiting times.
'use strict';

const server = { attempts: 0, seen: 0, peak: 0, failNext: 0, down: false, lagMs: 0 };

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function open(password) {
  server.attempts++;
  server.peak = Math.max(server.peak, ++server.seen);
  if (server.lagMs > 0) await sleep(server.lagMs);
  if (server.failNext > 0 || server.down) {
    server.failNext = Math.max(0, server.failNext - 1);
    server.seen--;
    throw new Error('refused');
  }
  return { owner: 0, password };
}

async function close() {
  server.seen--;
}

class Histogram {
  constructor() {
    this.values = [];
  }

  add(ns) {
    this.values.push(ns);
  }

  at(share) {
    this.values.sort((a, b) => a - b);
    return this.values[Math.min(this.values.length - 1, Math.floor(this.values.length * share))] || 0;
  }

  get max() {
    return this.at(1);
  }
}

const now = () => Number(process.hrtime.bigint()); // exact for the first 104 days

module.exports = { server, open, close, sleep, now, Histogram };
