// The same with coder/websocket.
package main

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"strings"
	"sync"

	"github.com/coder/websocket"
)

type message struct {
	kind websocket.MessageType
	data []byte
}
type client struct {
	conn *websocket.Conn
	send chan message
}

var (
	mu       sync.RWMutex
	channels = map[string]map[*client]struct{}{}
)

func serve(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true, CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		return
	}
	conn.SetReadLimit(1 << 24)
	defer conn.CloseNow()
	path, ctx := r.URL.Path, context.Background()
	if path == "/echo" {
		for {
			kind, data, err := conn.Read(ctx)
			if err != nil || conn.Write(ctx, kind, data) != nil {
				return
			}
		}
	}
	c := &client{conn, make(chan message, 256)}
	many, joined := strings.HasPrefix(path, "/join"), []string{path}
	if many {
		joined = strings.Split(path, "/")[2:]
	}
	mu.Lock()
	for _, channel := range joined {
		if channels[channel] == nil {
			channels[channel] = map[*client]struct{}{}
		}
		channels[channel][c] = struct{}{}
	}
	mu.Unlock()
	go func() {
		for m := range c.send {
			if conn.Write(ctx, m.kind, m.data) != nil {
				conn.CloseNow()
				return
			}
		}
	}()
	for {
		kind, data, err := conn.Read(ctx)
		if err != nil {
			break
		}
		channel := path
		if many {
			first, _, _ := bytes.Cut(data, []byte(" "))
			channel = string(first)
		}
		mu.RLock()
		for d := range channels[channel] {
			select {
			case d.send <- message{kind, data}:
			default:
				d.conn.CloseNow()
			}
		}
		mu.RUnlock()
	}
	mu.Lock()
	for _, channel := range joined {
		delete(channels[channel], c)
	}
	mu.Unlock()
	close(c.send)
}

func main() { panic(http.ListenAndServe("127.0.0.1:"+os.Args[1], http.HandlerFunc(serve))) }
