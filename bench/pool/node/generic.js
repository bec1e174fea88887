// SPDX-License-Identifier: MIT
// generic-pool as one of the pools that are measured. It has one thread: its callers are tasks of
// one event loop, so that it takes part where the others have one thread, and in the scenes.
'use strict';
const { createPool } = require('generic-pool');
const { server, open, close, sleep, now, Histogram } = require('./backend');

const MS = 1e6;
const print = (fields) => console.log(JSON.stringify({ peer: 'generic-pool', ...fields }));
const ms = (ns) => Math.round(ns / MS * 10) / 10;

let password = 1;

function start(max, patienceMs, secret = 1) {
  const pool = createPool({ create: () => open(secret), destroy: close },
    { max, min: 0, acquireTimeoutMillis: patienceMs });
  pool.on('factoryCreateError', () => {});
  return pool;
}

const takeOrNull = (pool) => pool.acquire().catch(() => null);

const tasks = (count, run) => Promise.all(Array.from({ length: count }, (_, i) => run(i + 1)));

// ---- Cycles -------------------------------------------------------------------------------------

let stepsPerNs;

function burn(steps) {
  let x = steps | 0;
  for (let i = 0; i < steps; i++) x = Math.imul(x, 1664525) + 1013904223 | 0;
  return x;
}

function calibrate() {
  let best = Infinity;
  for (let i = 0; i < 20; i++) {
    const from = now();
    burn(1e6);
    best = Math.min(best, now() - from);
  }
  stepsPerNs = 1e6 / best;
}

// A task looks at the clock itself: nothing else would run if it did not end.
async function cycle(pool, number, until, steps, every) {
  const worker = { cycles: 0, failed: 0, violations: 0, waits: new Histogram() };
  for (let i = 1; i % 64 !== 0 || now() < until; i++) {
    const from = every > 0 && i % every === 0 ? now() : 0;
    const resource = await pool.acquire();
    if (from > 0) worker.waits.add(now() - from);
    if (resource.owner !== 0) worker.violations++;
    resource.owner = number;
    if (steps > 0) burn(steps);
    if (resource.owner !== number) worker.violations++;
    resource.owner = 0;
    pool.release(resource);
    worker.cycles++;
  }
  return worker;
}

async function pass(pool, count, seconds, steps, every) {
  const from = now();
  const workers = await tasks(count, (i) => cycle(pool, i, from + seconds * 1e9, steps, every));
  const cycles = workers.reduce((sum, one) => sum + one.cycles, 0);
  const squares = workers.reduce((sum, one) => sum + one.cycles ** 2, 0);
  const waits = new Histogram();
  for (const one of workers) for (const ns of one.waits.values) waits.add(ns);
  return { cycles, ns: (now() - from) / cycles, jain: cycles ** 2 / (count * squares), waits,
    violations: workers.reduce((sum, one) => sum + one.violations, 0) };
}

async function run(count, connections, hold, seconds) {
  const pool = start(connections, 60000);
  const steps = Math.floor(hold * stepsPerNs);
  const all = await tasks(connections, () => pool.acquire());
  all.forEach((resource) => pool.release(resource));
  await pass(pool, count, Math.max(0.5, seconds / 2), steps, 0);
  const cost = await pass(pool, count, seconds, steps, 0);
  const { waits, violations } = await pass(pool, count, seconds, steps, hold > 0 ? 1 : 8);
  print({ cycles: cost.cycles, ns: Math.round(cost.ns * 100) / 100, p50: waits.at(0.5),
    p99: waits.at(0.99), p999: waits.at(0.999), max: waits.max,
    jain: Math.round(cost.jain * 1000) / 1000, violations: cost.violations + violations, failed: 0,
    opened: server.attempts });
}

// ---- A spike, an outage, a password that keeps changing: scenes.c in JavaScript -----------------

const counts = { asked: 0, failed: 0, waits: new Histogram() };

async function take(pool) {
  const from = now();
  const resource = await takeOrNull(pool);
  counts.waits.add(now() - from);
  counts.asked++;
  if (resource === null) counts.failed++;
  return resource;
}

async function spike() {
  server.lagMs = 150;
  const pool = start(50, 10000);
  const began = now();
  await tasks(50, async () => {
    const resource = await take(pool);
    if (resource === null) return;
    await sleep(2);
    pool.release(resource);
  });
  print({ opened: server.attempts, failed: counts.failed, ms: ms(now() - began),
    p50_ms: ms(counts.waits.at(0.5)), max_ms: ms(counts.waits.max) });
}

async function outage() {
  const length = 3000 * MS;
  let attempts, first = 0;
  server.down = true;
  server.lagMs = 1;
  const pool = start(8, 1000);
  const began = now();
  setTimeout(() => {
    attempts = server.attempts;
    server.down = false;
  }, 3000);
  await tasks(8, async () => {
    for (let at = now(); first === 0 && now() < began + 13000 * MS;) {
      const resource = await take(pool);
      if (resource !== null) {
        first = first || now() - began;
        pool.release(resource);
      }
      at = Math.max(at + 10 * MS, now());
      await sleep((at - now()) / MS);
    }
  });
  print({ attempts, asked: counts.asked, answered_ms: ms(counts.waits.at(0.5)),
    first_ms: first === 0 ? -1 : ms(first - length) });
}

async function rotate() {
  const rotations = 30;
  let over = false, stale = 0;
  server.lagMs = 5;
  let pool = start(8, 1000);
  const began = now();
  const rotator = async () => {
    for (let i = 1; i <= rotations; i++) {
      await sleep((began + i * 100 * MS - now()) / MS);
      const old = pool;
      pool = start(8, 1000, 1 + i);
      password = 1 + i;
      old.drain().then(() => old.clear()); // once all leases are back
    }
    await sleep(100);
    over = true;
  };
  const caller = async () => {
    for (let at = now(); !over; at += 400000) {
      while (now() < at) await sleep(1); // as fine as its timers are
      const wanted = password, from = pool;
      const resource = await take(from);
      if (resource === null) continue;
      if (resource.password < wanted) stale++;
      burn(25000 * stepsPerNs);
      from.release(resource);
    }
  };
  await Promise.all([rotator(), tasks(8, caller)]);
  print({ rate: Math.round(counts.asked / (now() - began) * 1e9), switched: password - 1,
    failed: counts.failed, p999_us: ms(counts.waits.at(0.999) * 1000),
    max_us: ms(counts.waits.max * 1000), peak: server.peak, stale });
}

// ---- The behaviours that show a known bug: bugs.c in JavaScript ---------------------------------

const PATIENCE = 3000, SETTLE = 100;

async function brokenWithWaiters(waiters, failingOpens) {
  const pool = start(1, PATIENCE);
  const held = await pool.acquire();
  let served = 0, last = 0;
  const waiting = tasks(waiters, async () => {
    const resource = await takeOrNull(pool);
    if (resource !== null) {
      served++;
      pool.release(resource);
    }
    last = now();
  });
  await sleep(SETTLE);
  server.failNext = failingOpens;
  const from = now();
  pool.destroy(held);
  await waiting;
  print({ waiters, served, ms: ms(last - from) });
}

async function closeRace() {
  let worst = 0;
  server.lagMs = 5; // so that one is being opened
  for (let i = 0; i < 20; i++) {
    const pool = start(2, 50);
    let stop = false;
    const trying = tasks(2, async () => {
      while (!stop) {
        const resource = await takeOrNull(pool);
        if (resource !== null) pool.release(resource);
        await sleep(0);
      }
    });
    await sleep(i % 10);
    const watch = setTimeout(() => {
      print({ stuck: true });
      process.exit(0);
    }, PATIENCE);
    const from = now();
    await pool.drain();
    await pool.clear();
    clearTimeout(watch);
    worst = Math.max(worst, now() - from);
    stop = true;
    await trying;
  }
  print({ stuck: false, ms: ms(worst) });
}

async function silentHost() {
  const pool = start(2, PATIENCE);
  let held = await pool.acquire(), worst = 0;
  server.lagMs = 1500;
  const other = takeOrNull(pool).then((resource) => resource && pool.release(resource));
  await sleep(SETTLE);
  for (const end = now() + 1000 * MS; now() < end; await sleep(1)) {
    const from = now();
    pool.release(held);
    held = await pool.acquire();
    worst = Math.max(worst, now() - from);
  }
  pool.release(held);
  await other;
  print({ ms: ms(worst) });
}

// ---- Main ---------------------------------------------------------------------------------------

const modes = {
  cycle: (...words) => run(...words.map(Number)),
  spike,
  outage,
  rotate,
  'lost-wakeup': () => brokenWithWaiters(2, 1),
  'broken-return': () => brokenWithWaiters(1, 0),
  resize: async () => print({ cannot: 'its size is fixed' }),
  'close-race': closeRace,
  'silent-host': silentHost,
  'in-flight': async () => print({ cannot: 'a new password means a new pool' }),
};

const [mode, ...words] = process.argv.slice(2);
calibrate();
modes[mode](...words).then(() => process.exit(0), (error) => {
  console.error(error);
  process.exit(1);
});
