/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "send/replay.h"

#include "send/feed.h"

#include <jansson.h>

static bool
take_field(const struct lines *lines, FILE *errors, const json_t *record,
    const struct lines_field *field, int64_t *value)
{
	const json_t *json = json_object_get(record, field->name);
	char found[40] = "missing", expected[64];

	if (json != NULL && field->max == 0) {
		if (json_is_string(json) &&
		    lines_address(json_string_value(json), value))
			return true;
		strcpy(found, "invalid");
	} else if (json_is_integer(json)) {
		*value = json_integer_value(json);
		if (*value >= field->min && *value <= field->max)
			return true;
		snprintf(found, sizeof(found), "found %" JSON_INTEGER_FORMAT,
		    json_integer_value(json));
	} else if (json != NULL) {
		strcpy(found, "not an integer");
	}
	lines_fault(lines, errors, field->name, "%s, expected %s", found,
	    lines_expected(field->min, field->max, expected, sizeof(expected)));
	return false;
}

/* Whether the record came from an ELB agent; other dialects are not named. */
static bool
take_elb(const struct lines *lines, FILE *errors, const json_t *record,
    int64_t ts, enum lines_kind *kind)
{
	const json_t *json = json_object_get(record, "dialect");
	const char *name = json_string_value(json);

	if (json == NULL)
		return false;
	if (name == NULL || strcmp(name, "elb") != 0)
		*kind = lines_fault(
		    lines, errors, "dialect", "invalid, expected \"elb\"");
	else if (ts > (int64_t)encode_ts_max(ENCODE_ELB))
		*kind = lines_fault(lines, errors, "ts",
		    "found %" JSON_INTEGER_FORMAT ", over 32 bits with elb",
		    (json_int_t)ts);
	return true;
}

enum lines_kind
replay_parse(const struct lines *lines, char *text, size_t length,
    uint64_t ts_max, struct record *record, FILE *errors)
{
	enum lines_kind kind = LINES_RECORD;
	int64_t values[LINES_FIELDS] = { 0 };
	json_error_t error;

	(void)ts_max; /* a record's own limit holds */
	if (strspn(text, " \t\r") == length)
		return LINES_NOTHING;
	json_t *line = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
	const json_t *from = json_object_get(line, "record");
	if (line == NULL)
		kind = lines_fault(lines, errors, "line",
		    "invalid JSON: %s (column %d)", error.text, error.column);
	else if (!json_is_object(from))
		kind = lines_fault(lines, errors, "record", "%s",
		    from == NULL ? "missing" : "not an object");
	for (size_t i = 0; i < LINES_FIELDS && json_is_object(from); i++)
		if (!take_field(
			lines, errors, from, &lines_fields[i], &values[i]))
			kind = LINES_BAD;
	bool elb = take_elb(lines, errors, from, values[FIELD_TS], &kind);
	json_decref(line);
	if (kind == LINES_RECORD)
		lines_record(record, values);
	/* In the order that record_address() undoes. */
	if (kind == LINES_RECORD && elb) {
		record->ip = __builtin_bswap32(record->ip);
		record->elb = true;
	}
	return kind;
}

enum replay_end
replay_file(const char *file, const char *host, const char *port,
    uint64_t *records, FILE *errors)
{
	static struct feed feed;
	static struct sender sender;
	enum sender_end end = SENDER_FAILED;

	*records = 0;
	feed_init(&feed, replay_parse, RECORD_TS_MAX, errors);
	if (!feed_open(&feed, file))
		return REPLAY_FAULTY;
	feed.sender = &sender;
	feed.host = host;
	feed.port = port;
	feed.lost = !sender_open(&sender, host, port, ENCODE_NATIVE, NULL);
	feed_run(&feed);
	if (!feed.lost)
		end = sender_finish(&sender);
	sender_close(&sender);
	if (end != SENDER_DONE)
		fprintf(errors, "%s\n", sender.error);
	*records = sender.records;
	if (end == SENDER_FAILED)
		return REPLAY_LOST;
	return feed.faulty ? REPLAY_FAULTY : REPLAY_SENT;
}
