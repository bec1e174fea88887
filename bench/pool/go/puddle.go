// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"sync/atomic"
	"unsafe"

	"github.com/jackc/puddle"
)

type puddlePeer struct {
	pool unsafe.Pointer // *puddle.Pool
	max  int32
}

func (p *puddlePeer) load() *puddle.Pool { return (*puddle.Pool)(atomic.LoadPointer(&p.pool)) }

func (p *puddlePeer) make(password uint32) *puddle.Pool {
	return puddle.NewPool(
		func(context.Context) (interface{}, error) {
			r, err := open(password)
			if err != nil {
				return nil, err
			}
			return r, nil
		},
		func(value interface{}) { value.(*resource).close() }, p.max)
}

func (p *puddlePeer) start(max int) {
	p.max = int32(max)
	atomic.StorePointer(&p.pool, unsafe.Pointer(p.make(1)))
}

func leased(lease *puddle.Resource, err error) (held, bool) {
	if err != nil {
		return held{}, false
	}
	return held{lease.Value().(*resource), lease}, true
}

func (p *puddlePeer) take(ctx context.Context) (held, bool) { return leased(p.load().Acquire(ctx)) }

func (p *puddlePeer) try() (held, bool) {
	return leased(p.load().TryAcquire(context.Background()))
}

func (p *puddlePeer) give(h held, broken bool) {
	if broken {
		h.lease.(*puddle.Resource).Destroy()
	} else {
		h.lease.(*puddle.Resource).Release()
	}
}

func (p *puddlePeer) rotate(password uint32) {
	next := p.make(password)
	old := (*puddle.Pool)(atomic.SwapPointer(&p.pool, unsafe.Pointer(next)))
	switched(password)
	go old.Close() // waits for its leases
}

func (p *puddlePeer) resize(int) bool { return false }
func (p *puddlePeer) close()          { p.load().Close() }
