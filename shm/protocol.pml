/* SPDX-License-Identifier: MIT
 *
 * A Spin model of the protocol between master and worker in shared memory:
 * ring.c's indices and doorbell, table.c's states and marks, a worker of two
 * threads that may be killed at every step, and table_recover().  The steps
 * come in the order of the C code.  One step is one access to a word that the
 * other side looks at; what nobody can tell apart is put together (a counter
 * and the words written under STATE_WRITING, and all of table_recover(), which
 * runs before there are threads).  Memory is sequentially consistent in the
 * model: it shows the protocol, and not the memory orders and fences in C.
 *
 * Shown for all interleavings, at a small size:
 *   - the database ends with the newest record of each key, whatever was
 *     killed when;
 *   - no unread record is overwritten, none is read twice but after a kill;
 *   - no key is ever clean while the database lacks its record;
 *   - no wake-up and no command is slept over (the waits here have no time
 *     limit, so that would be a deadlock);
 *   - the counters' identity holds after each recovery and at the end.
 *
 * `make model` checks it, and then checks that it can fail: with -DBROKEN_...
 * one step is wrong each time, and Spin must find an error.  The variants are
 * the #ifdefs and #ifndefs below; model.sh takes their names from here.
 *
 * By hand, with the -D that is wanted:
 *     spin -a protocol.pml && cc -O2 -DSAFETY -o pan pan.c && ./pan -m100000
 *     spin -t -p protocol.pml     shows the way to the error
 */

#ifndef RECORDS
#define RECORDS 3 /* records that the master sends */
#endif
#ifndef KEYS
#define KEYS 2
#endif
#ifndef SLOTS
#define SLOTS 1 /* fewer than keys: they evict each other */
#endif
#ifndef TIMES
#define TIMES 1 /* different ts: 1 or 2 */
#endif
#ifndef KILLS
#define KILLS 1
#endif
#define CAPACITY 2 /* records in the ring */
#define WRAP 4	   /* the indices wrap around at this */
#define FIRST 3	   /* and begin just below it */
#define NO_KEY KEYS

/* A record.  Its serial tells the order of arrival; of two with the same ts
   the later one wins. */
typedef record {
	byte key;
	bit ts;
	byte serial;
	byte echo /* the serial again: differs in half a record */
}

/* The ring.  unread is not in the C code: it shows what is in use. */
record places[CAPACITY];
bit unread[CAPACITY];
byte head = FIRST, tail = FIRST;
bit sleeping, finish;
/* Whether the doorbell is not what the worker's struct ring remembers.  Only
   this is ever asked. */
bit rang;

/* The table. */
typedef slot {
	record r;
	byte version; /* 0: never used; then 1 to WRAP */
	bit dirty;
	bit writing
}
slot slots[SLOTS];
bit mark[SLOTS];
byte added, superseded, replayed, stored;

/* MySQL, and what it must hold in the end. */
record database[KEYS];
record newest[KEYS];

byte passed; /* records that the tail passed, ever */
byte kills;
bit killed, drain_down, flush_down;   /* for the kill */
bit drain_over, flush_over, sent;     /* for the graceful shutdown */

#define DISTANCE(a, b) ((a + WRAP - b) % WRAP)
#define NEWER(a, b)                                                            \
	(a.ts > b.ts || (a.ts == b.ts && a.serial >= b.serial))

inline copy(to, from)
{
	to.key = from.key;
	to.ts = from.ts;
	to.serial = from.serial;
	to.echo = from.echo
}

/* No key is clean while the database lacks its record.  Asserted where one
   of the two changes. */
inline clean_is_stored(at)
{
	assert(slots[at].dirty || slots[at].writing || slots[at].version == 0
	    || slots[at].r.key == NO_KEY
	    || NEWER(database[slots[at].r.key], slots[at].r))
}

/* ------------------------------------------------------------- the master -- */

inline ring_wake()
{
	rang = 1 /* FUTEX_WAKE: the sleeper looks at the doorbell */
}

/* put one record; it is not published yet */
inline ring_put(at)
{
	d_step {
		assert(!unread[at % CAPACITY]);
		unread[at % CAPACITY] = 1;
		copy(places[at % CAPACITY], mine)
	}
}

proctype Master()
{
	record mine;
	byte at = FIRST;
	bit asleep;

	do
	:: mine.serial < RECORDS ->
		atomic {
			mine.serial++;
			mine.echo = mine.serial;
			mine.key = 0;
			mine.ts = 0;
			if
			:: mine.serial > 1 -> mine.key = KEYS - 1
			:: skip
			fi;
			if
			:: TIMES > 1 -> mine.ts = 1
			:: skip
			fi;
			if
			:: NEWER(mine, newest[mine.key]) ->
				copy(newest[mine.key], mine)
			:: else
			fi
		}
#ifdef BROKEN_ROOM
		(DISTANCE(at, tail) <= CAPACITY);
#else
		(DISTANCE(at, tail) < CAPACITY);
#endif
#ifdef BROKEN_HEAD_BEFORE_RECORD
		head = (at + 1) % WRAP;
#endif
		ring_put(at);
		at = (at + 1) % WRAP;
		if
		:: mine.serial < RECORDS && DISTANCE(at, tail) < CAPACITY ->
			skip /* the next one comes into the same batch */
		:: true ->
#ifdef BROKEN_SLEEPING_BEFORE_HEAD
			asleep = sleeping;
			head = at;
#else
			head = at;
			if
#ifdef BROKEN_ALERT_FORGOTTEN
			:: mine.serial < RECORDS ->
#else
			:: mine.serial < RECORDS && DISTANCE(at, tail) < CAPACITY ->
#endif
				asleep = 0 /* ring_alert() comes later */
			:: true ->
				asleep = sleeping
			fi;
#endif
			if
			:: asleep -> ring_wake()
			:: else
			fi
		fi
	:: else -> break
	od;
	/* ring_command(RING_FINISH), once everything is in the ring */
	finish = 1;
	d_step {
		ring_wake();
		sent = 1
	}
}

/* ------------------------------------------------------------- the worker -- */

/* Whether a slot can take the record: empty, clean, or of its key. */
#ifdef BROKEN_EVICTS_DIRTY
#define FITS(at) true
#else
#define FITS(at) (!slots[at].dirty || slots[at].r.key == r.key)
#endif

/* table_find(): the slot of the key, or else one that it may take.  Waits
   until there is one. */
inline table_find()
{
	d_step {
		FITS(0) || FITS(SLOTS - 1) ->
		i = 0;
		do
		:: i < SLOTS ->
			if
			:: slots[i].version > 0 && slots[i].r.key == r.key ->
				s = i;
				break
			:: else ->
				if
				:: FITS(i) -> s = i
				:: else
				fi
			fi;
			i++
		:: else -> break
		od;
		i = 0;
		was_dirty = slots[s].dirty;
		older = (slots[s].version > 0 && slots[s].r.key == r.key
		    && slots[s].r.ts > r.ts)
	}
}

/* table_put(), one record */
inline table_put()
{
	table_find();
	if
	:: d_step {
		older ->
		superseded++;
		older = 0;
		was_dirty = 0;
		done++
	   }
	:: d_step { /* the exchange, or the store on a clean slot */
		!older ->
		if
		:: was_dirty ->
			was_dirty = slots[s].dirty;
			slots[s].dirty = 1
		:: else
		fi;
		slots[s].writing = 1
	   }
	   d_step {
		if
		:: was_dirty -> superseded++
		:: else -> added++
		fi;
		slots[s].r.key = r.key;
		slots[s].r.ts = r.ts;
		slots[s].r.serial = r.serial
	   }
	   slots[s].r.echo = r.echo;
	   d_step { /* one store of the state word */
		slots[s].version = slots[s].version % WRAP + 1;
		slots[s].dirty = 1;
		slots[s].writing = 0
	   }
	   d_step {
		mark[s] = 1;
		was_dirty = 0;
		done++
	   }
	fi
}

inline ring_advance(count)
{
	passed = passed + count;
	do
	:: count > 0 ->
		unread[tail % CAPACITY] = 0;
		tail = (tail + 1) % WRAP;
		count--
	:: else -> break
	od
}

inline ring_wait()
{
#ifdef BROKEN_COMMAND_UNHEARD
	rang = 0;
#endif
#ifdef BROKEN_HEAD_BEFORE_SLEEPING
	n = DISTANCE(head, tail);
	sleeping = 1;
#else
	sleeping = 1;
	n = DISTANCE(head, tail);
#endif
	if
	:: n == 0 -> (rang) /* FUTEX_WAIT */
	:: else
	fi;
	rang = 0;
	d_step {
		sleeping = 0;
		n = 0
	}
}

proctype Drain()
{
	record r;
	byte n, done, s, i;
	bit was_dirty, older, asked;

again:
	{
		rang = 0; /* ring_attach() */
		do
		:: asked = finish;
		   n = DISTANCE(head, tail);
		   if
		   :: n == 0 && asked -> break
		   :: d_step { n == 0 && !asked -> asked = 0 }
		      ring_wait()
		   :: n > 0 ->
			asked = 0;
			do
			:: d_step {
				done < n ->
				copy(r, places[(tail + done) % CAPACITY]);
				/* The right one, and whole. */
				assert(r.serial == passed + done + 1 && r.serial == r.echo)
			   }
#ifdef BROKEN_TAIL_BEFORE_PUT
			   d_step {
				i = 1;
				ring_advance(i)
			   }
			   table_put();
			   d_step {
				done = 0;
				n--
			   }
#else
			   table_put()
#endif
			:: d_step {
				done == n ->
				ring_advance(done);
				n = 0;
				r.key = 0; r.ts = 0; r.serial = 0; r.echo = 0
			   }
			   break
			od
		   fi
		od;
		drain_over = 1;
		(flush_over)
	} unless {
		killed
	};
	if
	:: killed ->
		d_step {
			n = 0; done = 0; s = 0; i = 0;
			was_dirty = 0; older = 0; asked = 0;
			r.key = 0; r.ts = 0; r.serial = 0; r.echo = 0;
			drain_down = 1
		}
		d_step {
			!killed ->
			drain_down = 0
		}
		goto again
	:: else
	fi
}

#define MARKED (mark[0] || mark[SLOTS - 1])
#define ANY_DIRTY (slots[0].dirty || slots[SLOTS - 1].dirty)

/* table_refresh(): a whole version, told by its state before and after */
inline table_refresh()
{
	do
	:: d_step {
		!slots[s].writing ->
		version = slots[s].version;
		dirty = slots[s].dirty
	   }
	   d_step {
		row.key = slots[s].r.key;
		row.ts = slots[s].r.ts;
		row.serial = slots[s].r.serial
	   }
	   row.echo = slots[s].r.echo;
#ifdef BROKEN_READS_HALF
	   break
#else
	   if
	   :: !slots[s].writing && slots[s].version == version -> break
	   :: else
	   fi
#endif
	od
}

inline commit()
{
	assert(row.key < KEYS && row.serial > 0 && row.serial == row.echo);
	if
	:: row.ts >= database[row.key].ts -> copy(database[row.key], row)
	:: else
	fi;
	clean_is_stored(0);
	clean_is_stored(SLOTS - 1)
}

/* table_stored(): the compare-and-swap; the count comes after it */
inline table_swap()
{
#ifdef BROKEN_SETTLE_WITHOUT_SWAP
	same = slots[s].dirty;
#else
	same = (slots[s].dirty && !slots[s].writing
	    && slots[s].version == version);
#endif
	if
	:: same -> slots[s].dirty = 0
	:: else
	fi;
	clean_is_stored(s)
}

inline row_forget()
{
	version = 0; s = 0; dirty = 0; same = 0;
	row.key = 0; row.ts = 0; row.serial = 0; row.echo = 0
}

proctype Flush()
{
	record row;
	byte version, s;
	bit dirty, same;

again:
	{
		do
		:: atomic {
			MARKED ->
			if
			:: mark[0] -> s = 0
			:: mark[SLOTS - 1] -> s = SLOTS - 1
			fi
#ifdef BROKEN_MARK_CLEARED_LATE
		   }
		   table_refresh();
		   mark[s] = 0;
#else
			;
			mark[s] = 0
		   }
		   table_refresh();
#endif
		   if
#ifdef BROKEN_SETTLE_BEFORE_COMMIT
		   :: d_step { dirty -> table_swap() }
		      d_step { commit() }
#else
		   :: d_step { dirty -> commit() }
		      d_step { table_swap() }
#endif
		      d_step {
			stored = stored + same;
			row_forget()
		      }
		   :: d_step { /* table_mark(): the transaction failed */
			dirty ->
			mark[s] = 1;
			row_forget()
		      }
		   :: d_step { !dirty -> row_forget() }
		   fi
		:: drain_over && !ANY_DIRTY -> break
		od;
		flush_over = 1
	} unless {
		killed
	};
	if
	:: killed ->
		d_step {
			row_forget();
			flush_down = 1
		}
		d_step {
			!killed ->
			flush_down = 0
		}
		goto again
	:: else
	fi
}

/* --------------------------------------------------- the kill, and recovery -- */

inline identity_holds()
{
	i = 0;
	dirty = 0;
	do
	:: i < SLOTS -> dirty = dirty + slots[i].dirty; i++
	:: else -> break
	od;
	assert(added - stored == dirty);
	assert(passed + replayed == added + superseded)
}

inline table_recover()
{
	d_step {
		i = 0;
		dirty = 0;
		do
		:: i < SLOTS ->
#ifndef BROKEN_TORN_KEPT
			if
			:: slots[i].writing ->
				slots[i].r.key = NO_KEY;
				slots[i].r.ts = 0;
				slots[i].r.serial = 0;
				slots[i].r.echo = 0;
				slots[i].version = slots[i].version % WRAP + 1;
				slots[i].dirty = 0
			:: else
			fi;
#endif
			slots[i].writing = 0;
#ifndef BROKEN_MARKS_KEPT
			mark[i] = slots[i].dirty;
#endif
			dirty = dirty + slots[i].dirty;
			clean_is_stored(i);
			i++
		:: else -> break
		od;
		added = stored + dirty;
		excess = added + superseded - passed - replayed;
		if
		:: excess > 0 -> replayed = replayed + excess
		:: else -> superseded = superseded - excess
		fi;
		identity_holds();
		excess = 0; i = 0; dirty = 0
	}
}

proctype Kill()
{
	byte i, dirty;
	int excess;

	do
	:: d_step {
		kills < KILLS && !flush_over ->
		kills++;
		killed = 1
	   }
		(drain_down && flush_down);
		table_recover();
		d_step {
			drain_over = 0;
			killed = 0
		}
		(!drain_down && !flush_down)
	:: flush_over -> break
	od;
	(sent && !killed);
	d_step {
		identity_holds();
		assert(passed == RECORDS);
		assert(dirty == 0);
		i = 0;
		do
		:: i < KEYS ->
			assert(database[i].ts == newest[i].ts
			    && database[i].serial == newest[i].serial);
			i++
		:: else -> break
		od
	}
}

init
{
	atomic {
		run Master();
		run Drain();
		run Flush();
		run Kill()
	}
}
