// The same with lesismal/nbio: an epoll loop, no goroutine per connection.
package main

import (
	"bytes"
	"net/http"
	"os"
	"strings"
	"sync"

	"github.com/lesismal/nbio/nbhttp"
	"github.com/lesismal/nbio/nbhttp/websocket"
)

var (
	mu       sync.RWMutex
	channels = map[string]map[*websocket.Conn]struct{}{}
)

func serve(w http.ResponseWriter, r *http.Request) {
	path, up := r.URL.Path, websocket.NewUpgrader()
	many, joined := strings.HasPrefix(path, "/join"), []string{path}
	if many {
		joined = strings.Split(path, "/")[2:]
	}
	up.CheckOrigin = func(*http.Request) bool { return true }
	up.OnOpen(func(c *websocket.Conn) {
		mu.Lock()
		for _, channel := range joined {
			if channels[channel] == nil {
				channels[channel] = map[*websocket.Conn]struct{}{}
			}
			channels[channel][c] = struct{}{}
		}
		mu.Unlock()
	})
	up.OnClose(func(c *websocket.Conn, err error) {
		mu.Lock()
		for _, channel := range joined {
			delete(channels[channel], c)
		}
		mu.Unlock()
	})
	up.OnMessage(func(c *websocket.Conn, kind websocket.MessageType, data []byte) {
		if path == "/echo" {
			c.WriteMessage(kind, data)
			return
		}
		channel := path
		if many {
			first, _, _ := bytes.Cut(data, []byte(" "))
			channel = string(first)
		}
		mu.RLock()
		for d := range channels[channel] {
			d.WriteMessage(kind, data)
		}
		mu.RUnlock()
	})
	up.Upgrade(w, r, nil)
}

func main() {
	engine := nbhttp.NewEngine(nbhttp.Config{Network: "tcp", Addrs: []string{"127.0.0.1:" + os.Args[1]}, MaxLoad: 100000, Handler: http.HandlerFunc(serve), IOMod: nbhttp.IOModNonBlocking})
	if err := engine.Start(); err != nil {
		panic(err)
	}
	select {}
}
