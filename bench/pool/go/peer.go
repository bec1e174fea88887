// SPDX-License-Identifier: MIT

package main

import (
	"context"
	"time"
)

// What a pool must offer to take part, as peer.h is for those in C.
type peer interface {
	start(max int)
	// The context's end is the caller's patience.
	take(ctx context.Context) (held, bool)
	// At once or not at all; some open one in the background then.
	try() (held, bool)
	give(h held, broken bool)
	// A new password: makes another pool and closes the old one behind it.
	rotate(password uint32)
	resize(max int) bool
	// Returns when nothing is open any more.
	close()
}

type held struct {
	*resource
	lease interface{}
}

func patience(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), d)
}
