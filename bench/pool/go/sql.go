// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"sync/atomic"
	"time"
	"unsafe"
)

// The cheapest driver that database/sql accepts.
type connector struct{ password uint32 }
type conn struct{ *resource }

func (c connector) Connect(context.Context) (driver.Conn, error) {
	r, err := open(c.password)
	if err != nil {
		return nil, err
	}
	return &conn{r}, nil
}
func (c connector) Driver() driver.Driver { return nil }

var errUnused = errors.New("not used here")

func (c *conn) Prepare(string) (driver.Stmt, error) { return nil, errUnused }
func (c *conn) Begin() (driver.Tx, error)           { return nil, errUnused }
func (c *conn) Close() error                        { c.resource.close(); return nil }

type sqlPeer struct {
	db  unsafe.Pointer // *sql.DB
	max int
}

func (p *sqlPeer) load() *sql.DB { return (*sql.DB)(atomic.LoadPointer(&p.db)) }

func (p *sqlPeer) make(password uint32) *sql.DB {
	db := sql.OpenDB(connector{password})
	db.SetMaxOpenConns(p.max)
	db.SetMaxIdleConns(p.max)
	return db
}

func (p *sqlPeer) start(max int) {
	p.max = max
	atomic.StorePointer(&p.db, unsafe.Pointer(p.make(1)))
}

func (p *sqlPeer) take(ctx context.Context) (held, bool) {
	lease, err := p.load().Conn(ctx)
	if err != nil {
		return held{}, false
	}
	var r *resource
	lease.Raw(func(c interface{}) error { r = c.(*conn).resource; return nil })
	return held{r, lease}, true
}

// It has no try: a patience of nothing is the nearest.
func (p *sqlPeer) try() (held, bool) {
	ctx, cancel := patience(time.Nanosecond)
	defer cancel()
	return p.take(ctx)
}

func (p *sqlPeer) give(h held, broken bool) {
	lease := h.lease.(*sql.Conn)
	if broken {
		lease.Raw(func(interface{}) error { return driver.ErrBadConn })
	}
	lease.Close()
}

func (p *sqlPeer) rotate(password uint32) {
	next := p.make(password)
	old := (*sql.DB)(atomic.SwapPointer(&p.db, unsafe.Pointer(next)))
	switched(password)
	old.Close() // its leases close when they come back
}

func (p *sqlPeer) resize(max int) bool {
	p.load().SetMaxOpenConns(max)
	p.load().SetMaxIdleConns(max)
	return true
}

func (p *sqlPeer) close() {
	p.load().Close()
	for atomic.LoadUint32(&server.seen) > 0 {
		time.Sleep(time.Millisecond)
	}
}
