// SPDX-License-Identifier: MIT

// The fake server behind both Go pools, as backend.c is for those in C.
package main

import (
	"errors"
	"sync/atomic"
	"time"
)

type resource struct {
	owner    uint32
	password uint32
	up       bool
	_        [116]byte
}

var server struct {
	attempts, seen, peak, failNext, down uint32
	lag                                  int64
}

var errRefused = errors.New("refused")

func refused() bool {
	for {
		fail := atomic.LoadUint32(&server.failNext)
		if fail == 0 {
			return atomic.LoadUint32(&server.down) != 0
		}
		if atomic.CompareAndSwapUint32(&server.failNext, fail, fail-1) {
			return true
		}
	}
}

func open(password uint32) (*resource, error) {
	atomic.AddUint32(&server.attempts, 1)
	seen := atomic.AddUint32(&server.seen, 1)
	for peak := atomic.LoadUint32(&server.peak); seen > peak; peak = atomic.LoadUint32(&server.peak) {
		if atomic.CompareAndSwapUint32(&server.peak, peak, seen) {
			break
		}
	}
	if lag := atomic.LoadInt64(&server.lag); lag > 0 {
		time.Sleep(time.Duration(lag))
	}
	if refused() {
		atomic.AddUint32(&server.seen, ^uint32(0))
		return nil, errRefused
	}
	return &resource{password: password, up: true}, nil
}

func (r *resource) close() {
	if r.up {
		atomic.AddUint32(&server.seen, ^uint32(0))
	}
	r.up = false
}
