// /c7: the client is in that channel, and what it sends goes there; /join/c1/c2: it is in those, and the first word of what it
// sends is the channel it goes to; /echo: it comes back. The chat example's form: a queue and a writer per connection,
// prepared messages for the fan-out.
package main

import (
	"bytes"
	"net/http"
	"os"
	"strings"
	"sync"

	"github.com/gorilla/websocket"
)

type client struct {
	conn *websocket.Conn
	send chan *websocket.PreparedMessage
}

var (
	mu       sync.RWMutex
	channels = map[string]map[*client]struct{}{}
	up       = websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
)

func serve(w http.ResponseWriter, r *http.Request) {
	conn, err := up.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer conn.Close()
	path := r.URL.Path
	if path == "/echo" {
		for {
			kind, data, err := conn.ReadMessage()
			if err != nil || conn.WriteMessage(kind, data) != nil {
				return
			}
		}
	}
	c := &client{conn, make(chan *websocket.PreparedMessage, 256)}
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
			if conn.WritePreparedMessage(m) != nil {
				conn.Close()
				return
			}
		}
	}()
	for {
		kind, data, err := conn.ReadMessage()
		if err != nil {
			break
		}
		channel := path
		if many {
			first, _, _ := bytes.Cut(data, []byte(" "))
			channel = string(first)
		}
		m, _ := websocket.NewPreparedMessage(kind, data)
		mu.RLock()
		for d := range channels[channel] {
			select {
			case d.send <- m:
			default:
				d.conn.Close()
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
