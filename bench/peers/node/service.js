// SPDX-License-Identifier: MIT
// What one writes by hand: http, a pool of 8, one insert for each request.
const http = require('http');
const { randomUUID } = require('crypto');
const { Pool } = require('pg');

const pool = new Pool({ max: 8 });
const insert = {
  name: 'insert',
  text: 'INSERT INTO webhook_events (id, webhook_id, received_at, payload, headers)' +
    ' VALUES ($1, $2, now(), $3, $4)',
};

async function store(request, response, body) {
  const id = randomUUID();
  try {
    JSON.parse(body);
    await pool.query({ ...insert, values: [id, 'example', body, JSON.stringify(request.headers)] });
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify({ id, status: 'stored' }));
  } catch (error) {
    response.writeHead(503);
    response.end();
  }
}

http.createServer((request, response) => {
  const pieces = [];
  request.on('data', (piece) => pieces.push(piece));
  request.on('end', () => store(request, response, Buffer.concat(pieces).toString()));
}).listen(Number(process.env.PORT), '127.0.0.1', () => console.log('ready'));
