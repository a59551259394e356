<?php
// SPDX-License-Identifier: MIT
//
// An agent of reporter(8) in PHP, by the rules of reporter-protocol(7).
//
//     $agent = new Reporter\Agent('reports.example.com');
//     $agent->call(1, 2, '10.0.0.1', 8080, true);      // each call
//     $agent->overload(1, 2, '10.0.0.1', 8080, true);  // when that changes
//     $agent->turn();                                  // often, in the main loop
//     $agent->close();                                 // at the end
//
// call(), add() and overload() only count; turn() connects and reports, and does
// not wait.
//
// As a program it reads lines "modid cmdid ip port succ err overload":
//
//     echo 1 2 10.0.0.1 8080 100 3 0 | php reporter.php HOST PORT [INTERVAL [FIFO]]
//
// CALLER in the environment is our IPv4 address, by default that of the connection.
//
// PHP-FPM has no life between requests in which counts could add up.  There this
// program, or reporter-send --agent, does it for all requests of the host: it reads
// their lines from a FIFO, which a line of tmpfiles.d(5) makes:
//
//     p /run/agent/calls 0660 root www-data
//
// The service, and what a request does:
//
//     php reporter.php HOST PORT 15 /run/agent/calls
//     Reporter\Agent::line('/run/agent/calls', '1 2 10.0.0.1 8080 1 0 0');
//
// A line is written as a whole or, if the FIFO is full, dropped.
declare(strict_types=1);

namespace Reporter;

const INTERVAL = 15;      // seconds between reports, up to 60
const HEARTBEAT = 60;     // seconds without a report until an empty one is sent
const URGENT = 1;         // seconds between reports of a changed overload
const KEYS_MAX = 10000;   // keys in memory; what is counted for others is dropped
const FORGET = 3600;      // seconds without calls after which a key is removed
const RESULTS_MAX = 128;  // results of one report
const CONNECT = 5;        // seconds in which a connection is established
const PAUSE_MIN = 2;      // seconds before connecting again
const PAUSE_MAX = 64;
const STEADY = 10;        // seconds after which a connection was not refused

function monotonic(): float
{
    return hrtime(true) / 1e9;
}

/** MessagePack: a truth value, a whole number or a list. */
function message(bool|int|array $value): string
{
    if (is_bool($value)) {
        return $value ? "\xc3" : "\xc2";
    }
    if (is_int($value)) {
        return match (true) {
            $value >= 0 && $value < 128 => chr($value),
            $value >= 0 && $value < 1 << 32 => "\xce" . pack('N', $value),
            default => "\xd3" . pack('J', $value),
        };
    }
    return "\xdc" . pack('n', count($value)) . implode(array_map(message(...), $value));
}

/** What was counted for a key since its last report, and that report. */
final class Figures
{
    public int $succ = 0, $err = 0, $sentSucc = 0, $sentErr = 0;
    public bool $overload = false, $changed = false;
    public int $ts = 0;  // seconds since 1970; 0: none yet
}

final class Agent
{
    public int $dropped = 0;
    private array $addresses = [];  // not yet tried in this round
    private array $keys = [];  // "modid cmdid ip port": Figures
    private $link = null;
    private bool $connected = false, $urgent = false, $warned = false;
    private bool $closing = false, $ended = false, $done = false;
    private string $data = '';  // whole reports, but for what is written of them
    private float $due, $began = 0, $retry = 0, $nextUrgent = 0;
    private float $wrote = -INF, $pause = PAUSE_MIN;
    private int $time = 0;  // of day; never goes back, or rows would not change

    /** $caller: our IPv4 address as a number; 0: that of the connection. */
    public function __construct(
        private string $host = '127.0.0.1', private int $port = 12316,
        private float $interval = INTERVAL, private int $caller = 0
    ) {
        $this->due = monotonic() + $interval * mt_rand() / mt_getrandmax();
    }

    public function call(int $modid, int $cmdid, string $ip, int $port, bool $ok): void
    {
        $this->add($modid, $cmdid, $ip, $port, (int)$ok, (int)!$ok);
    }

    public function add(int $modid, int $cmdid, string $ip, int $port, int $succ, int $err): void
    {
        if ($figures = $this->find("$modid $cmdid $ip $port")) {
            $figures->succ += $succ;
            $figures->err += $err;
        }
    }

    public function overload(int $modid, int $cmdid, string $ip, int $port, bool $overloaded): void
    {
        $figures = $this->find("$modid $cmdid $ip $port");
        if ($figures && $figures->overload !== $overloaded) {
            $figures->overload = $overloaded;
            $figures->changed = $this->urgent = true;
        }
    }

    /** Report the rest.  Returns whether the reporter has read all of it. */
    public function close(float $seconds = 5): bool
    {
        $until = monotonic() + $seconds;
        $this->closing = true;
        $this->retry = 0;
        while (!$this->done && monotonic() < $until) {
            $this->turn($until - monotonic());
        }
        return $this->done;
    }

    /** Do what is due.  Waits for that or for input, up to so many seconds.
     * Returns whether there is input. */
    public function turn(float $seconds = 0, $input = null): bool
    {
        $now = monotonic();
        if (!$this->link && $now >= $this->retry) {
            $this->connect($now);
        }
        $next = $this->link === null ? $this->retry
            : ($this->data === '' && !$this->ended && $this->connected
                ? $this->next($now) : $now + CONNECT);
        $wait = max(0, min($seconds, $next - $now));
        $read = array_filter([$this->link, $input]);
        $write = $this->link && ($this->data !== '' || !$this->connected) ? [$this->link] : [];
        $except = null;
        if (!$read) {
            usleep((int)($wait * 1e6));
        } elseif (!@stream_select($read, $write, $except, (int)$wait, (int)(fmod($wait, 1) * 1e6))) {
            $read = $write = [];
        }
        if ($this->link) {
            $this->serve(in_array($this->link, $read, true), (bool)$write);
        }
        return in_array($input, $read, true);
    }

    /** Of a request: write a line for the program below.  Never waits.  Returns
     * false if there is no FIFO, or it is full.  A line that is written while
     * nobody has the FIFO open is lost, and returns true. */
    public static function line(string $fifo, string $line): bool
    {
        $file = @fopen($fifo, 'r+n');
        return $file && @fwrite($file, "$line\n") === strlen($line) + 1;
    }

    private function find(string $key): ?Figures
    {
        if (!isset($this->keys[$key]) && count($this->keys) >= KEYS_MAX) {
            $this->dropped++;
            return null;
        }
        return $this->keys[$key] ??= new Figures();
    }

    /** When the next report is due. */
    private function next(float $now): float
    {
        return match (true) {
            $this->closing => $now,
            $this->urgent => min($this->due, $this->nextUrgent),
            default => $this->due,
        };
    }

    /** Those of the host; without the extension "sockets" only one, or of IPv4. */
    private function addresses(): array
    {
        if (!function_exists('socket_addrinfo_lookup')) {
            return gethostbynamel($this->host) ?: ["[$this->host]"];
        }
        $found = socket_addrinfo_lookup($this->host, null, ['ai_socktype' => SOCK_STREAM]);
        return array_map(function ($info) {
            $address = socket_addrinfo_explain($info)['ai_addr'];
            return $address['sin_addr'] ?? "[$address[sin6_addr]]";
        }, $found ?: []);
    }

    private function connect(float $now): void
    {
        $this->began = $now;
        $this->connected = $this->ended = false;
        $this->addresses = $this->addresses ?: $this->addresses();
        $host = array_shift($this->addresses);
        $this->link = @stream_socket_client("tcp://$host:$this->port", $code, $error,
            CONNECT, STREAM_CLIENT_CONNECT | STREAM_CLIENT_ASYNC_CONNECT) ?: null;
        if ($this->link) {
            stream_set_blocking($this->link, false);
        } else {
            $this->lost($now);
        }
    }

    private function lost(float $now, bool $end = false): void
    {
        if ($this->link) {
            fclose($this->link);
        }
        $this->link = null;
        $this->data = '';
        $this->done = $this->ended && $end;
        if ($this->connected && $now - $this->began >= STEADY) {
            $this->addresses = [];
            $this->pause = PAUSE_MIN;
        }
        $this->retry = $now;
        if ($this->addresses) {
            return;
        }
        $this->retry = $now + $this->pause * (1 + mt_rand() / mt_getrandmax()) / 2;
        $this->pause = min(2 * $this->pause, PAUSE_MAX);
    }

    /** Report on the connection. */
    private function serve(bool $readable, bool $writable): void
    {
        $now = monotonic();
        if (!$this->connected && $writable && stream_socket_get_name($this->link, true)) {
            $this->connected = true;
            $this->began = $now;
            $this->data = $this->encode(again: true);
        } elseif (!$this->connected && ($writable || $now - $this->began >= CONNECT)) {
            $this->lost($now);
            return;
        } elseif ($readable && !($got = @stream_socket_recvfrom($this->link, 4096))) {
            $this->lost($now, end: $got === '');
            return;
        }
        if ($this->data !== '' && $writable) {
            $n = @fwrite($this->link, $this->data);
            $this->data = substr($this->data, (int)$n);
            $this->wrote = $now;
        }
        if (!$this->connected || $this->data !== '' || $this->ended || $now < $this->next($now)) {
            return;  // while it does not read, counts add up
        }
        if ($this->closing || $now >= $this->due) {
            $this->due = $now + $this->interval;
            $this->data = $this->encode();
            if ($this->closing && $this->data === '') {
                $this->ended = stream_socket_shutdown($this->link, STREAM_SHUT_WR);
            }
        } else {
            $this->urgent = false;
            $this->nextUrgent = $now + URGENT;
            $this->data = $this->encode(urgent: true);
        }
    }

    /** The caller of reports from the address of the connection. */
    private function caller(): int
    {
        $local = (string)stream_socket_get_name($this->link, false);
        $local = str_replace(['::ffff:', '[', ']'], '', substr($local, 0, (int)strrpos($local, ':')));
        if ($this->caller || ip2long($local) !== false) {
            return $this->caller ?: ip2long($local);
        }
        if (!$this->warned) {
            error_log("set the caller: $local is not an IPv4 address");
        }
        $this->warned = true;
        return 0;
    }

    /** Whole reports of what is new.  $again: and the last report of the other
     * keys once more; $urgent: only of a changed overload. */
    private function encode(bool $again = false, bool $urgent = false): string
    {
        $caller = $this->caller();
        [$reports, $now] = [[], max($this->time, time())];
        $this->time = $now;
        foreach ($this->keys as $key => $f) {
            if ($f->changed || !$urgent && ($f->succ || $f->err)) {
                [$f->sentSucc, $f->sentErr, $f->ts] = [$f->succ, $f->err, $now];
                $f->succ = $f->err = 0;
                $f->changed = false;
            } elseif (!$again || $f->ts === 0) {
                if (!$urgent && $now - $f->ts > FORGET) {
                    unset($this->keys[$key]);
                }
                continue;
            }
            [$modid, $cmdid, $ip, $port] = explode(' ', $key);
            $reports["$modid $cmdid $caller $f->ts"][] =
                [ip2long($ip), (int)$port, $f->sentSucc, $f->sentErr, $f->overload];
        }
        $data = '';
        foreach ($reports as $report => $results) {
            foreach (array_chunk($results, RESULTS_MAX) as $some) {
                $data .= message([1, ...array_map('intval', explode(' ', $report)), $some]);
            }
        }
        return $data === '' && monotonic() - $this->wrote >= HEARTBEAT
            ? message([1, 0, 0, $caller, $now, []]) : $data;
    }
}

function main(string $host, string $port, string $interval = '15', ?string $fifo = null): int
{
    // A FIFO is opened for writing as well, so that it has no end.
    $input = $fifo ? fopen($fifo, 'r+n') : STDIN;
    stream_set_blocking($input, false);
    $agent = new Agent($host, (int)$port, (float)$interval,
        ip2long(getenv('CALLER') ?: '0.0.0.0'));
    $ended = false;
    if (function_exists('pcntl_signal')) {
        pcntl_async_signals(true);
        foreach ([SIGTERM, SIGINT] as $signal) {
            pcntl_signal($signal, function () use (&$ended) { $ended = true; });
        }
    }
    for ($text = ''; !$ended && !feof($input);) {
        if ($agent->turn(60, $input)) {
            $lines = explode("\n", $text . fread($input, 65536));
            $text = array_pop($lines);
            foreach ($lines as $line) {
                $fields = explode(' ', $line);
                if (count($fields) !== 7 || ip2long($fields[2]) === false) {
                    continue;  // anyone may write to the FIFO
                }
                [$modid, $cmdid, $ip, $port, $succ, $err, $overloaded] = $fields;
                $key = [(int)$modid, (int)$cmdid, $ip, (int)$port];
                $agent->add(...$key, succ: (int)$succ, err: (int)$err);
                $agent->overload(...$key, overloaded: $overloaded === '1');
            }
        }
    }
    return $agent->close() ? 0 : 1;
}

if (PHP_SAPI === 'cli' && realpath($argv[0]) === __FILE__) {
    exit(main(...array_slice($argv, 1)));
}
