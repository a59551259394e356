// SPDX-License-Identifier: MIT
//
// An agent of reporter(8) for Node.js, by the rules of reporter-protocol(7).
//
//     const agent = new Agent({ host: 'reports.example.com' })
//     agent.call(1, 2, '10.0.0.1', 8080, true)      // each call
//     agent.overload(1, 2, '10.0.0.1', 8080, true)  // when that changes
//     await agent.close()                           // at the end
//
// call(), add() and overload() only count; each interval is reported from the
// event loop, which the agent does not keep alive.
//
// As a program it reads lines "modid cmdid ip port succ err overload":
//
//     echo 1 2 10.0.0.1 8080 100 3 0 | node reporter.js HOST PORT [INTERVAL]
//
// CALLER in the environment is our IPv4 address, by default that of the connection.
'use strict'
const dns = require('dns')
const net = require('net')
const readline = require('readline')

const INTERVAL = 15      // seconds between reports, up to 60
const HEARTBEAT = 60     // seconds without a report until an empty one is sent
const URGENT = 1         // seconds between reports of a changed overload
const KEYS_MAX = 10000   // keys in memory; what is counted for others is dropped
const FORGET = 3600      // seconds without calls after which a key is removed
const RESULTS_MAX = 128  // results of one report
const CONNECT = 5        // seconds in which a connection is established
const PAUSE_MIN = 2      // seconds before connecting again
const PAUSE_MAX = 64
const STEADY = 10        // seconds after which a connection was not refused

const monotonic = () => performance.now() / 1000

// MessagePack: a truth value, a whole number or a list.
function pack (value) {
  if (typeof value === 'boolean') return Buffer.from([value ? 0xc3 : 0xc2])
  if (typeof value === 'number') {
    if (value >= 0 && value < 128) return Buffer.from([value])
    const bytes = Buffer.alloc(value >= 0 && value < 2 ** 32 ? 5 : 9)
    bytes[0] = bytes.length === 5 ? 0xce : 0xd3
    if (bytes.length === 5) bytes.writeUInt32BE(value, 1)
    else bytes.writeBigInt64BE(BigInt(value), 1)
    return bytes
  }
  const head = Buffer.from([0xdc, value.length >> 8, value.length & 255])
  return Buffer.concat([head, ...value.map(pack)])
}

function address (text) {
  if (!net.isIPv4(text)) throw new Error(`not an IPv4 address: ${text}`)
  return text.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0)
}

class Agent {
  // caller: our IPv4 address as a number; 0: that of the connection.
  constructor ({ host = '127.0.0.1', port = 12316, interval = INTERVAL,
    caller = 0 } = {}) {
    Object.assign(this, { host, port, interval, caller })
    this.keys = new Map()
    this.dropped = 0
    this.urgent = this.closing = this.ended = this.done = false
    this.nextUrgent = 0
    this.due = monotonic() + Math.random() * interval
    this.wrote = -Infinity
    this.time = 0 // of day; never goes back, or rows would not change
    this.pause = PAUSE_MIN
    this.link = null
    this.addresses = []  // not yet tried in this round
    this._connect()
  }

  call (modid, cmdid, ip, port, ok) {
    this.add(modid, cmdid, ip, port, ok ? 1 : 0, ok ? 0 : 1)
  }

  add (modid, cmdid, ip, port, succ, err) {
    const f = this._find(modid, cmdid, ip, port)
    if (f) {
      f.succ += succ
      f.err += err
    }
  }

  overload (modid, cmdid, ip, port, overloaded) {
    const f = this._find(modid, cmdid, ip, port)
    if (!f || f.overload === overloaded) return
    f.overload = overloaded
    f.changed = this.urgent = true
    setImmediate(() => this._turn())
  }

  // Report the rest.  Resolves to whether the reporter has read all of it.
  close (seconds = 5) {
    this.closing = true
    return new Promise(resolve => {
      this.resolve = resolve
      this.end = setTimeout(() => this._finish(), seconds * 1000)
      if (this.connecting || this.link) this._turn()
      else this._connect()
    })
  }

  _find (modid, cmdid, ip, port) {
    const name = [modid, cmdid, ip, port].join()
    if (!this.keys.has(name)) {
      if (this.keys.size >= KEYS_MAX) {
        this.dropped++
        return null
      }
      // What was counted since its last report, and that report.
      this.keys.set(name, { modid, cmdid, ip: address(ip), port, succ: 0,
        err: 0, overload: false, changed: false, sent: [0, 0], ts: 0 })
    }
    return this.keys.get(name)
  }

  // Connect, again and again.
  _connect () {
    clearTimeout(this.timer)
    let began = Infinity
    const link = this.connecting = new net.Socket()
    const next = () => {
      if (link.destroyed) return
      if (!this.addresses.length) return link.destroy()
      link.connect(this.port, this.addresses.shift().address).unref()
    }
    link.setTimeout(CONNECT * 1000, () => link.destroy())
    if (this.addresses.length) next()
    else dns.lookup(this.host, { all: true }, (_error, found) => {
      this.addresses = found || []
      next()
    })
    link.on('connect', () => {
      began = monotonic()
      link.setTimeout(0)
      this.link = link
      this.sender = this._caller(link.localAddress.replace('::ffff:', ''))
      this._send(this._encode({ again: true }))
    })
    link.on('data', () => {})  // without which the end is not seen
    link.on('error', () => {})
    link.on('close', failed => {
      this.connecting = this.link = null
      if (this.ended) {
        this.done = !failed
        return this._finish()
      }
      if (monotonic() - began >= STEADY) {
        this.addresses = []
        this.pause = PAUSE_MIN
      }
      if (this.addresses.length) return this._connect()
      this._later(() => this._connect(), this.pause * (1 + Math.random()) / 2)
      this.pause = Math.min(2 * this.pause, PAUSE_MAX)
    })
  }

  _later (what, seconds) {
    clearTimeout(this.timer)
    this.timer = setTimeout(what, Math.max(0, seconds) * 1000)
    if (!this.closing) this.timer.unref()
  }

  _finish () {
    clearTimeout(this.timer)
    clearTimeout(this.end)
    this.ended = true
    if (this.connecting) this.connecting.destroy()
    this.resolve(this.done)
  }

  _send (data) {
    if (!data.length) return this._turn()
    this.wrote = monotonic()
    this.link.write(data, () => this._turn())
  }

  // Report what is due; the next turn comes by itself.
  _turn () {
    if (!this.link || this.ended || this.link.writableLength) {
      return  // when it does not read, counts add up meanwhile
    }
    const now = monotonic()
    if (this.closing || now >= this.due) {
      this.due = now + this.interval
      const data = this._encode({})
      if (data.length || !this.closing) return this._send(data)
      this.ended = true
      this.link.end()
    } else if (this.urgent && now >= this.nextUrgent) {
      this.urgent = false
      this.nextUrgent = now + URGENT
      this._send(this._encode({ urgent: true }))
    } else {
      this._later(() => this._turn(), (this.urgent
        ? Math.min(this.due, this.nextUrgent) : this.due) - now)
    }
  }

  // The caller of reports from this address.
  _caller (local) {
    if (this.caller || net.isIPv4(local)) return this.caller || address(local)
    if (!this.warned) console.error(`set the caller: ${local} is not an IPv4 address`)
    this.warned = true
    return 0
  }

  // Whole reports of what is new.  again: and the last report of the other keys
  // once more; urgent: only of a changed overload.
  _encode ({ again = false, urgent = false }) {
    const reports = new Map()
    const now = Math.max(this.time, Math.floor(Date.now() / 1000))
    this.time = now
    for (const [name, f] of this.keys) {
      if (f.changed || (!urgent && (f.succ || f.err))) {
        f.sent = [f.succ, f.err]
        f.ts = now
        f.succ = f.err = 0
        f.changed = false
      } else if (!again || f.ts === 0) {
        if (!urgent && now - f.ts > FORGET) this.keys.delete(name)
        continue
      }
      const report = [f.modid, f.cmdid, this.sender, f.ts].join()
      if (!reports.has(report)) reports.set(report, [])
      reports.get(report).push([f.ip, f.port, ...f.sent, f.overload])
    }
    const data = []
    for (const [report, results] of reports) {
      for (let i = 0; i < results.length; i += RESULTS_MAX) {
        data.push(pack([1, ...report.split(',').map(Number),
          results.slice(i, i + RESULTS_MAX)]))
      }
    }
    if (!data.length && monotonic() - this.wrote >= HEARTBEAT) {
      data.push(pack([1, 0, 0, this.sender, now, []]))
    }
    return Buffer.concat(data)
  }
}

async function main (host = '127.0.0.1', port = 12316, interval = INTERVAL) {
  const agent = new Agent({ host, port: Number(port), interval: Number(interval),
    caller: address(process.env.CALLER || '0.0.0.0') })
  const lines = readline.createInterface({ input: process.stdin })
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => lines.close())
  for await (const line of lines) {
    const fields = line.split(' ')
    const [modid, cmdid, port, succ, err] = [0, 1, 3, 4, 5].map(i => Number(fields[i]))
    // A malformed line is skipped.
    if (fields.length !== 7 || !net.isIPv4(fields[2]) ||
      ![modid, cmdid, port, succ, err].every(Number.isSafeInteger)) continue
    const key = [modid, cmdid, fields[2], port]
    agent.add(...key, succ, err)
    agent.overload(...key, fields[6] === '1')
  }
  process.exit(await agent.close() ? 0 : 1)
}

module.exports = { Agent }
if (require.main === module) main(...process.argv.slice(2))
