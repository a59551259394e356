/* SPDX-License-Identifier: MIT
 *
 * What the suites of store and flush share.  The database that is played is
 * guarded by one mutex.
 */
#include "config.h"

#include "store_fixture.h"

#include "lib/log.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct worker_segment segment;
struct settings settings;
struct secret password;
char directory[64];
char dead_letter[96];

static char conf_path[96], log_path[96], instance[INSTANCE_MAX];
static char *hosts[] = { NULL };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct {
	enum db_class answers[64], always, connecting;
	unsigned answered, connects_left;
	uint32_t refused;
	struct {
		uint32_t begin, end;
	} bad[2];
	size_t takes, most;
	bool table_refuses;
	enum db_class resent; /* the answer to a row of the table itself */
	unsigned canaries;
	void (*during)(void);
	struct stub_call calls[CALLS_MAX];
	size_t count;
	char password[64];
} stub;

struct db {
	const char *password;
	bool connected;
	struct db_error error;
};

/* ------------------------------------------------------------ fixture ---- */

void
fixture_begin(void)
{
	struct segment_spec spec = {
		.instance = instance,
		.generation = 2,
		.workers = 1,
		.ring_records = RING_RECORDS_MIN,
		.table_keys = 16384,
	};

	memset(&stub, 0, sizeof(stub));
	stub.refused = UINT32_MAX;
	stub.takes = stub.most = SIZE_MAX;
	stub.resent = DB_HOLD;
	snprintf(instance, sizeof(instance), "store-%d", (int)getpid());
	ck_assert_int_eq(segment_create_worker(&segment, &spec), SHM_OK);
	snprintf(directory, sizeof(directory), "/tmp/reporter-store-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(dead_letter, sizeof(dead_letter), "%s/dead.jsonl", directory);
	snprintf(conf_path, sizeof(conf_path), "%s/a.conf", directory);
	snprintf(log_path, sizeof(log_path), "%s/log", directory);
	ck_assert_int_eq(log_open(log_path, LOG_LEVEL_INFO), 0);
	settings = (struct settings){
		.host = { hosts, 1 },
		.flush_interval = 3600 * 1000,
		.urgent_interval = 3600 * 1000,
		.flush_rows = 100,
		.dead_letter_file = dead_letter,
		.dead_letter_size = 1 << 20,
	};
	password_put("first");
	password = (struct secret){ .path = conf_path };
}

void
fixture_end(void)
{
	ck_assert_int_eq(log_open("stderr", LOG_LEVEL_INFO), 0);
	secret_wipe(&password);
	segment_remove(segment.map.name);
	segment_close(&segment.map);
	unlink(conf_path);
	unlink(dead_letter);
	unlink(log_path);
	rmdir(directory);
}

void
password_put(const char *text)
{
	FILE *file = fopen(conf_path, "w");

	ck_assert_ptr_nonnull(file);
	if (text != NULL)
		fprintf(file, "[mysql]\npassword = %s\n", text);
	else
		fputs("[mysql\n", file);
	ck_assert_int_eq(fclose(file), 0);
}

void
put(uint32_t first, uint32_t n, uint64_t ts, bool overload)
{
	for (uint32_t ip = first; ip < first + n; ip++) {
		struct record r = {
			.modid = 1, .ip = ip, .overload = overload
		};

		record_set_ts(&r, ts);
		ck_assert_uint_eq(
		    table_put(&segment.table, &r, 1, RECORD_TS_MAX), 1);
	}
}

const char *
text_of(const char *path)
{
	static char text[65536];
	FILE *file = fopen(path, "r");

	text[0] = '\0';
	if (file == NULL)
		return text;
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	return text;
}

unsigned
lines_with(const char *text)
{
	unsigned n = 0;

	for (const char *at = text_of(log_path);
	     (at = strstr(at, text)) != NULL; at++)
		n++;
	return n;
}

/* --------------------------------------------------------------- stub ---- */

#define STUB_SET(statement) \
	do { \
		pthread_mutex_lock(&mutex); \
		statement; \
		pthread_mutex_unlock(&mutex); \
	} while (0)

void
stub_answers(const enum db_class *kinds)
{
	unsigned n = 0;

	while (kinds[n] != DB_OK)
		n++;
	ck_assert_uint_lt(n, sizeof(stub.answers) / sizeof(*stub.answers));
	STUB_SET(stub.answered = 0;
		 memcpy(stub.answers, kinds, (n + 1) * sizeof(*kinds)));
}

void
stub_always(enum db_class kind)
{
	STUB_SET(stub.always = kind);
}

void
stub_connecting(enum db_class kind, unsigned n)
{
	STUB_SET(stub.connecting = kind; stub.connects_left = n);
}

void
stub_refuses(uint32_t ip)
{
	STUB_SET(stub.refused = ip);
}

void
stub_takes(size_t rows)
{
	STUB_SET(stub.takes = rows);
}

static const enum db_class bad_kinds[2] = { DB_REFUSED, DB_UNLISTED };

void
stub_bad(enum db_class kind, uint32_t begin, uint32_t end)
{
	int i = kind == bad_kinds[1];

	STUB_SET(stub.bad[i].begin = begin; stub.bad[i].end = end);
}

void
stub_table_refuses(bool all)
{
	STUB_SET(stub.table_refuses = all);
}

void
stub_resent(enum db_class kind)
{
	STUB_SET(stub.resent = kind);
}

void
stub_most(size_t rows)
{
	STUB_SET(stub.most = rows);
}

unsigned
stub_canaries(void)
{
	unsigned n;

	STUB_SET(n = stub.canaries);
	return n;
}

void
stub_during(void (*call)(void))
{
	STUB_SET(stub.during = call);
}

size_t
stub_calls(void)
{
	size_t n;

	STUB_SET(n = stub.count);
	return n;
}

struct stub_call
stub_call(size_t number)
{
	struct stub_call call;

	STUB_SET(call = stub.calls[number]);
	return call;
}

const char *
stub_password(void)
{
	return stub.password;
}

/* ----------------------------------------------------------- sql/db.h ---- */

static enum db_class
answer(struct db *db, enum db_class kind)
{
	if (kind == DB_RECONNECT || kind == DB_NEXT_HOST)
		db->connected = false;
	db->error.kind = kind;
	db->error.number = 1000 + (unsigned)kind;
	snprintf(db->error.text, sizeof(db->error.text), "played %s",
	    db_class_name(kind));
	return kind;
}

/* How the table answers to a record, under the mutex. */
static enum db_class
record_answer(const struct record *r)
{
	if (r->ip == stub.refused)
		return DB_REFUSED;
	for (int i = 0; i < 2; i++) {
		if (r->succ == 0 && r->ip >= stub.bad[i].begin &&
		    r->ip < stub.bad[i].end)
			return bad_kinds[i];
	}
	return DB_OK;
}

struct db *
db_new(const struct db_options *options)
{
	struct db *db = calloc(1, sizeof(*db));

	ck_assert_ptr_nonnull(db);
	ck_assert_uint_eq(options->max_rows,
	    settings.flush_rows < 10000 ? settings.flush_rows : 10000);
	db->password = options->password;
	return db;
}

void
db_free(struct db *db)
{
	free(db);
}

enum db_class
db_connect(struct db *db)
{
	enum db_class kind = DB_OK;

	pthread_mutex_lock(&mutex);
	snprintf(stub.password, sizeof(stub.password), "%s", db->password);
	if (stub.connects_left > 0) {
		stub.connects_left--;
		kind = stub.connecting;
	}
	pthread_mutex_unlock(&mutex);
	db->connected = kind == DB_OK;
	return answer(db, kind);
}

void
db_set_password(struct db *db, const char *text)
{
	db->password = text;
}

bool
db_connected(const struct db *db)
{
	return db->connected;
}

void
db_look_after(struct db *db)
{
	(void)db;
}

const char *
db_host(const struct db *db)
{
	return db != NULL ? "played" : "";
}

int64_t
db_clock_ahead(const struct db *db)
{
	(void)db;
	return 0;
}

bool
db_ask_earlier(struct db *db)
{
	(void)db;
	return false;
}

bool
db_return(struct db *db)
{
	(void)db;
	return false;
}

const struct db_error *
db_error(const struct db *db)
{
	return &db->error;
}

enum db_class
db_takes(struct db *db, const struct record *record, uint64_t horizon)
{
	enum db_class kind;

	ck_assert(db->connected);
	ck_assert_uint_gt(horizon, FIXTURE_TS);
	pthread_mutex_lock(&mutex);
	stub.canaries++;
	if (stub.table_refuses)
		kind = DB_UNLISTED;
	else
		kind = record != NULL ? record_answer(record) : stub.resent;
	pthread_mutex_unlock(&mutex);
	return answer(db, kind);
}

enum db_class
db_upsert(struct db *db, const struct record *const *records, size_t n,
    uint64_t horizon, uint64_t *clamped, size_t *sent)
{
	enum db_class kind;
	void (*during)(void);

	ck_assert(db->connected);
	ck_assert_uint_ge(n, 1);
	ck_assert_uint_gt(horizon, FIXTURE_TS);
	pthread_mutex_lock(&mutex);
	if (n > stub.takes)
		n = stub.takes;
	ck_assert_uint_lt(stub.count, CALLS_MAX);
	stub.calls[stub.count++] =
	    (struct stub_call){ n, *records[0], *records[n - 1] };
	kind = stub.always;
	if (stub.answers[stub.answered] != DB_OK)
		kind = stub.answers[stub.answered++];
	if (kind == DB_OK && n > stub.most)
		kind = DB_SPLIT;
	if (kind == DB_OK && stub.table_refuses)
		kind = DB_UNLISTED;
	for (size_t i = 0; i < n && kind == DB_OK; i++)
		kind = record_answer(records[i]);
	during = stub.during;
	pthread_mutex_unlock(&mutex);
	if (during != NULL)
		during();
	*sent = n;
	*clamped += kind == DB_OK;
	return answer(db, kind);
}

enum db_class
db_statement(
    struct db *db, const char *text, unsigned columns, struct answer *rows)
{
	(void)text, (void)columns, (void)rows;
	return answer(db, DB_HOLD);
}
