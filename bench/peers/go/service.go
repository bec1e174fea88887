// SPDX-License-Identifier: MIT

// What one writes by hand: net/http, database/sql with a pool of 8, one insert for each request.
package main

import (
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"

	_ "github.com/lib/pq"
)

func newID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func main() {
	db, err := sql.Open("postgres", "")
	if err != nil {
		panic(err)
	}
	db.SetMaxOpenConns(8)
	db.SetMaxIdleConns(8)
	insert, err := db.Prepare("INSERT INTO webhook_events (id, webhook_id, received_at, payload," +
		" headers) VALUES ($1, $2, now(), $3, $4)")
	if err != nil {
		panic(err)
	}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || !json.Valid(body) {
			w.WriteHeader(400)
			return
		}
		headers, _ := json.Marshal(r.Header)
		id := newID()
		if _, err := insert.Exec(id, "example", string(body), string(headers)); err != nil {
			w.WriteHeader(503)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, "{\"id\":%q,\"status\":\"stored\"}\n", id)
	})
	fmt.Println("ready")
	panic(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))
}
