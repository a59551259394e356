// SPDX-License-Identifier: MIT

// An agent of reporter(8) in Go, by the rules of reporter-protocol(7).
//
//	agent := NewAgent("reports.example.com:12316", interval, 0)
//	agent.Call(1, 2, ip, 8080, true)     // each call
//	agent.Overload(1, 2, ip, 8080, true) // when that changes
//	agent.Close(5 * time.Second)         // at the end
//
// Call, Add and Overload only count and never wait for the network; a goroutine
// reports each interval.
//
// As a program it reads lines "modid cmdid ip port succ err overload":
//
//	echo 1 2 10.0.0.1 8080 100 3 0 | go run reporter.go HOST PORT [INTERVAL]
//
// CALLER in the environment is our IPv4 address, by default that of the connection.
package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand"
	"net"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"
)

const (
	interval    = 15 * time.Second // between reports, up to a minute
	heartbeat   = time.Minute      // without a report until an empty one is sent
	urgentPause = time.Second      // between reports of a changed overload
	keysMax     = 10000            // in memory; what is counted for others is dropped
	forget      = 3600             // seconds without calls after which a key is removed
	resultsMax  = 128              // of one report
	connectTime = 5 * time.Second  // in which a connection is established
	pauseMin    = 2 * time.Second  // before connecting again
	pauseMax    = 64 * time.Second
	steady      = 10 * time.Second // after which a connection was not refused
)

// What a report is about, and one of its results.
type service struct{ modid, cmdid int32 }
type key struct {
	service
	ip   uint32
	port uint16
}

// What was counted for a key since its last report, and that report.
type figures struct {
	succ, err, sentSucc, sentErr uint32
	overload, changed            bool
	ts                           int64 // seconds since 1970; 0: none yet
}

type Agent struct {
	address  string
	interval time.Duration
	caller   uint32
	mu       sync.Mutex // of keys; never held over the network
	keys     map[key]*figures
	Dropped  uint64
	wake     chan struct{} // an overload has changed
	closing  chan struct{}
	until    time.Time // end by then; set before closing is closed
	done     chan bool
	due      time.Time
	wrote    time.Time
	time     int64 // of day; never goes back, or rows would not change
	warned   bool
}

// NewAgent begins to connect.  caller: our IPv4 address as a number; 0: that of
// the connection.
func NewAgent(address string, interval time.Duration, caller uint32) *Agent {
	a := &Agent{address: address, interval: interval, caller: caller,
		keys: map[key]*figures{}, wake: make(chan struct{}, 1),
		closing: make(chan struct{}), done: make(chan bool, 1)}
	a.due = time.Now().Add(time.Duration(rand.Float64() * float64(interval)))
	go a.run()
	return a
}

func (a *Agent) Call(modid, cmdid int32, ip net.IP, port uint16, ok bool) {
	if ok {
		a.Add(modid, cmdid, ip, port, 1, 0)
	} else {
		a.Add(modid, cmdid, ip, port, 0, 1)
	}
}

func (a *Agent) Add(modid, cmdid int32, ip net.IP, port uint16, succ, err uint32) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if f := a.find(modid, cmdid, ip, port); f != nil {
		f.succ += succ
		f.err += err
	}
}

func (a *Agent) Overload(modid, cmdid int32, ip net.IP, port uint16, overloaded bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f := a.find(modid, cmdid, ip, port)
	if f == nil || f.overload == overloaded {
		return
	}
	f.overload, f.changed = overloaded, true
	select {
	case a.wake <- struct{}{}:
	default: // it has not seen the last one yet
	}
}

// Close reports the rest, once.  Returns whether the reporter has read all of it.
func (a *Agent) Close(wait time.Duration) bool {
	a.until = time.Now().Add(wait)
	close(a.closing)
	select {
	case done := <-a.done:
		return done
	case <-time.After(wait):
		return false
	}
}

func (a *Agent) find(modid, cmdid int32, ip net.IP, port uint16) *figures {
	k := key{service{modid, cmdid}, address(ip), port}
	f := a.keys[k]
	if f == nil {
		if len(a.keys) >= keysMax {
			a.Dropped++
			return nil
		}
		f = &figures{}
		a.keys[k] = f
	}
	return f
}

func address(ip net.IP) uint32 {
	if ip = ip.To4(); ip == nil {
		return 0
	}
	return binary.BigEndian.Uint32(ip)
}

// ended tells whether Close was called, and its time is over.
func (a *Agent) ended() bool {
	select {
	case <-a.closing:
		return !time.Now().Before(a.until)
	default:
		return false
	}
}

// run connects, again and again.
func (a *Agent) run() {
	done, pause, closing := false, pauseMin, a.closing
	for !done && !a.ended() {
		var accepted bool
		if done, accepted = a.round(); done {
			break
		} else if accepted {
			pause = pauseMin
		}
		wait := time.Duration((1 + rand.Float64()) / 2 * float64(pause))
		select {
		case <-closing:
			closing = nil // the next attempt is at once, others are not
		case <-time.After(wait):
		}
		if pause *= 2; pause > pauseMax {
			pause = pauseMax
		}
	}
	a.done <- done
}

// round tries each address, until one does not refuse us.  Returns whether
// everything is done, and whether one did not.
func (a *Agent) round() (bool, bool) {
	host, port, _ := net.SplitHostPort(a.address)
	found, _ := net.LookupHost(host)
	for _, address := range found {
		link, err := net.DialTimeout("tcp", net.JoinHostPort(address, port), connectTime)
		if err == nil {
			began := time.Now()
			done := a.serve(link.(*net.TCPConn))
			link.Close()
			if done || time.Since(began) >= steady {
				return done, true
			}
		}
		if a.ended() {
			break
		}
	}
	return false, false
}

// serve reports until the connection is lost.  Returns whether that was the
// answer to our end, after all was read.
func (a *Agent) serve(link *net.TCPConn) bool {
	lost := make(chan bool, 1)
	go func() {
		_, err := io.Copy(io.Discard, link) // until its end
		lost <- err == nil
		select {
		case <-a.closing:
		default:
			link.Close() // so that nothing waits to write
		}
	}()
	caller := a.callerOf(link.LocalAddr().(*net.TCPAddr).IP)
	data, nextUrgent := a.encode(caller, true, false), time.Time{}
	for {
		// While it does not read, this waits, and counts add up.
		if _, err := link.Write(data); err != nil {
			return false
		}
		if now := time.Now(); len(data) > 0 {
			a.wrote = now
		}
		data = nil
		select {
		case <-lost:
			return false
		case <-a.closing:
			select {
			case <-lost:
				return false
			default:
			}
			link.SetDeadline(a.until)
			_, err := link.Write(a.encode(caller, false, false))
			link.CloseWrite()
			return err == nil && <-lost
		case <-time.After(time.Until(a.due)):
			a.due = time.Now().Add(a.interval)
			data = a.encode(caller, false, false)
		case <-a.wake:
			time.Sleep(time.Until(nextUrgent))
			nextUrgent = time.Now().Add(urgentPause)
			data = a.encode(caller, false, true)
		}
	}
}

// callerOf returns the caller of reports from this address.
func (a *Agent) callerOf(local net.IP) uint32 {
	if a.caller != 0 {
		return a.caller
	}
	if local.To4() == nil && !a.warned {
		fmt.Fprintln(os.Stderr, "set the caller:", local, "is not an IPv4 address")
		a.warned = true
	}
	return address(local)
}

// encode returns whole reports of what is new.  again: and the last report of
// the other keys once more; urgent: only of a changed overload.
func (a *Agent) encode(caller uint32, again, urgent bool) []byte {
	type report struct {
		service
		ts int64
	}
	reports, now := map[report][]any{}, time.Now().Unix()
	if now < a.time {
		now = a.time
	}
	a.time = now
	a.mu.Lock()
	for k, f := range a.keys {
		if f.changed || !urgent && (f.succ != 0 || f.err != 0) {
			f.sentSucc, f.sentErr, f.ts = f.succ, f.err, now
			f.succ, f.err, f.changed = 0, 0, false
		} else if !again || f.ts == 0 {
			if !urgent && now-f.ts > forget {
				delete(a.keys, k)
			}
			continue
		}
		r := report{k.service, f.ts}
		reports[r] = append(reports[r], []any{int64(k.ip), int64(k.port),
			int64(f.sentSucc), int64(f.sentErr), f.overload})
	}
	a.mu.Unlock()
	var data []byte
	for r, results := range reports {
		for len(results) > 0 {
			n := len(results)
			if n > resultsMax {
				n = resultsMax
			}
			data = pack(data, []any{int64(1), int64(r.modid), int64(r.cmdid),
				int64(caller), r.ts, results[:n]})
			results = results[n:]
		}
	}
	if len(data) == 0 && time.Since(a.wrote) >= heartbeat {
		data = pack(data, []any{int64(1), int64(0), int64(0), int64(caller),
			now, []any{}})
	}
	return data
}

// pack appends MessagePack: a truth value, a whole number or a list.
func pack(data []byte, value any) []byte {
	switch v := value.(type) {
	case bool:
		if v {
			return append(data, 0xc3)
		}
		return append(data, 0xc2)
	case int64:
		if v >= 0 && v < 128 {
			return append(data, byte(v))
		} else if v >= 0 && v < 1<<32 {
			return binary.BigEndian.AppendUint32(append(data, 0xce), uint32(v))
		}
		return binary.BigEndian.AppendUint64(append(data, 0xd3), uint64(v))
	case []any:
		data = binary.BigEndian.AppendUint16(append(data, 0xdc), uint16(len(v)))
		for _, element := range v {
			data = pack(data, element)
		}
	}
	return data
}

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: reporter HOST PORT [INTERVAL]")
		os.Exit(2)
	}
	wait := interval
	if len(os.Args) > 3 {
		seconds, _ := strconv.ParseFloat(os.Args[3], 64)
		wait = time.Duration(seconds * float64(time.Second))
	}
	agent := NewAgent(net.JoinHostPort(os.Args[1], os.Args[2]), wait,
		address(net.ParseIP(os.Getenv("CALLER"))))
	end := make(chan os.Signal, 2)
	signal.Notify(end, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		count(agent)
		end <- nil
	}()
	<-end
	if !agent.Close(5 * time.Second) {
		os.Exit(1)
	}
}

// count reads lines until their end.
func count(agent *Agent) {
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var modid, cmdid int32
		var port uint16
		var succ, err uint32
		var ip, overloaded string
		n, _ := fmt.Sscan(lines.Text(), &modid, &cmdid, &ip, &port, &succ, &err, &overloaded)
		if n != 7 || net.ParseIP(ip).To4() == nil {
			continue // a malformed line
		}
		agent.Add(modid, cmdid, net.ParseIP(ip), port, succ, err)
		agent.Overload(modid, cmdid, net.ParseIP(ip), port, overloaded == "1")
	}
}
