/* SPDX-License-Identifier: MIT
 *
 * Replay: the dead-letter file's lines, and a whole file sent to a server.
 */
#include "config.h"

#include "send/replay.h"
#include "sink.h"
#include "suite.h"

#include <check.h>
#include <stdlib.h>
#include <unistd.h>

static struct lines lines;
static char *output;
static size_t output_length;

#define GOOD \
	"{\"time\":\"2025-01-01T00:00:00Z\",\"error\":1264," \
	"\"message\":\"Out of range\",\"record\":{\"modid\":-1,\"cmdid\":2," \
	"\"ip\":\"1.2.3.4\",\"port\":80,\"caller\":\"255.0.0.1\"," \
	"\"succ\":4294967295,\"err\":0,\"ts\":1099511627775,\"overload\":1}}"

static enum lines_kind
parse(const char *text, struct record *record)
{
	free(output);
	FILE *errors = open_memstream(&output, &output_length);
	ck_assert_ptr_nonnull(errors);
	char *line = strdup(text);
	ck_assert_ptr_nonnull(line);
	lines.file = "file";
	lines.number = 3;
	enum lines_kind kind =
	    replay_parse(&lines, line, strlen(line), 0, record, errors);
	fclose(errors);
	free(line);
	ck_assert_int_eq(kind == LINES_BAD, output_length > 0);
	return kind;
}

START_TEST(a_line_is_a_record)
{
	struct record r;

	ck_assert_int_eq(parse(GOOD, &r), LINES_RECORD);
	ck_assert_int_eq(r.modid, -1);
	ck_assert_int_eq(r.cmdid, 2);
	ck_assert_uint_eq(r.ip, 0x01020304);
	ck_assert_uint_eq(r.port, 80);
	ck_assert_uint_eq(r.caller, 0xff000001);
	ck_assert_uint_eq(r.succ, UINT32_MAX);
	ck_assert_uint_eq(r.err, 0);
	ck_assert_uint_eq(record_ts(&r), RECORD_TS_MAX);
	ck_assert_uint_eq(r.overload, 1);
	ck_assert(!r.elb);
	ck_assert_int_eq(parse("", &r), LINES_NOTHING);
	ck_assert_int_eq(parse(" \r", &r), LINES_NOTHING);
}
END_TEST

#define ELB \
	"{\"record\":{\"modid\":1,\"cmdid\":2,\"ip\":\"10.0.0.200\"," \
	"\"port\":80,\"caller\":\"10.0.0.1\",\"succ\":1,\"err\":0,\"ts\":5," \
	"\"overload\":0,\"dialect\":\"elb\"}}"

START_TEST(an_elb_record_has_the_address_of_its_agent)
{
	struct record r;

	ck_assert_int_eq(parse(ELB, &r), LINES_RECORD);
	ck_assert(r.elb);
	ck_assert_uint_eq(r.ip, (uint32_t)-939524086);
	ck_assert_uint_eq(r.caller, 0x0a000001);
}
END_TEST

/* What is put in the place of a part of the good line, and the complaint. */
static const struct {
	const char *part, *other, *output;
} faults[] = {
	{ "{\"time\"", "\"time\"",
	    "file:3: line: invalid JSON: '[' or '{' expected near '\"time\"' "
	    "(column 6)\n" },
	{ "}}", "}",
	    "file:3: line: invalid JSON: '}' expected near end of file" },
	{ "\"record\"", "\"recorded\"", "file:3: record: missing\n" },
	{ "\"record\":{", "\"record\":5,\"x\":{",
	    "file:3: record: not an object\n" },
	{ "\"modid\":-1,", "",
	    "file:3: modid: missing, expected a number from -2147483648 to "
	    "2147483647\n" },
	{ "\"modid\":-1", "\"modid\":\"1\"",
	    "file:3: modid: not an integer, expected a number from "
	    "-2147483648 to 2147483647\n" },
	{ "\"cmdid\":2", "\"cmdid\":2.5",
	    "file:3: cmdid: not an integer, expected a number from "
	    "-2147483648 to 2147483647\n" },
	{ "\"cmdid\":2", "\"cmdid\":2147483648",
	    "file:3: cmdid: found 2147483648, expected a number from "
	    "-2147483648 to 2147483647\n" },
	{ "1.2.3.4", "1.2.3.400",
	    "file:3: ip: invalid, expected a dotted IPv4 address\n" },
	{ "\"255.0.0.1\"", "7",
	    "file:3: caller: invalid, expected a dotted IPv4 address\n" },
	{ ",\"caller\":\"255.0.0.1\"", "",
	    "file:3: caller: missing, expected a dotted IPv4 address\n" },
	{ "\"port\":80", "\"port\":65536",
	    "file:3: port: found 65536, expected a number from 0 to 65535\n" },
	{ "4294967295", "4294967296",
	    "file:3: succ: found 4294967296, expected a number from 0 to "
	    "4294967295\n" },
	{ "\"err\":0", "\"err\":-1",
	    "file:3: err: found -1, expected a number from 0 to 4294967295\n" },
	{ "1099511627775", "1099511627776",
	    "file:3: ts: found 1099511627776, expected a number from 0 to "
	    "1099511627775\n" },
	{ "\"overload\":1", "\"overload\":2",
	    "file:3: overload: found 2, expected a number from 0 to 1\n" },
	{ "\"overload\":1", "\"overload\":1,\"dialect\":\"Elb\"",
	    "file:3: dialect: invalid, expected \"elb\"\n" },
	{ "\"overload\":1", "\"overload\":1,\"dialect\":\"elb\"",
	    "file:3: ts: found 1099511627775, over 32 bits with elb\n" },
	{ "\"overload\":1", "\"overload\":1,\"dialect\":7",
	    "file:3: dialect: invalid, expected \"elb\"\n" },
	{ "\"port\":80", "\"err\":0", "file:3: line: invalid JSON: duplicate" },
};

START_TEST(every_fault_is_reported)
{
	static const char good[] = GOOD;
	const char *at = strstr(good, faults[_i].part);
	struct record r;
	char text[512];

	ck_assert_ptr_nonnull(at);
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - good), good,
	    faults[_i].other, at + strlen(faults[_i].part));
	ck_assert_int_eq(parse(text, &r), LINES_BAD);
	ck_assert_msg(
	    strncmp(output, faults[_i].output, strlen(faults[_i].output)) == 0,
	    "found: %s", output);
}
END_TEST

/* Write a file of these lines; returns its path. */
static const char *
file_of(const char *text)
{
	static char path[64];

	strcpy(path, "unit_replay.XXXXXX");
	int fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	return path;
}

static enum replay_end
replay(const char *path, const char *port, uint64_t *records)
{
	free(output);
	FILE *errors = open_memstream(&output, &output_length);
	ck_assert_ptr_nonnull(errors);
	enum replay_end end =
	    replay_file(path, "127.0.0.1", port, records, errors);
	fclose(errors);
	return end;
}

START_TEST(a_file_is_sent_without_its_faulty_lines)
{
	const char *path = file_of(GOOD "\n\n" GOOD "\n{\"cut\n" GOOD "\n");
	struct record got[4], expected;
	struct sink sink;
	uint64_t records;
	size_t reports;

	sink_start(&sink, SINK_READS);
	enum replay_end end = replay(path, sink.port, &records);
	unlink(path);
	sink_join(&sink);
	ck_assert_int_eq(end, REPLAY_FAULTY);
	ck_assert_uint_eq(records, 3);
	char where[80];
	snprintf(where, sizeof(where), "%s:4: line: invalid JSON", path);
	ck_assert_ptr_eq(strstr(output, where), output);
	ck_assert_uint_eq(sink_decode(&sink, got, 4, &reports), 3);
	ck_assert_int_eq(parse(GOOD, &expected), LINES_RECORD);
	for (int i = 0; i < 3; i++)
		ck_assert_mem_eq(&got[i], &expected, sizeof(expected));
	sink_free(&sink);
}
END_TEST

START_TEST(a_good_file_is_sent)
{
	const char *path = file_of(GOOD);
	struct sink sink;
	uint64_t records;

	sink_start(&sink, SINK_READS);
	enum replay_end end = replay(path, sink.port, &records);
	unlink(path);
	sink_join(&sink);
	ck_assert_int_eq(end, REPLAY_SENT);
	ck_assert_uint_eq(records, 1);
	ck_assert_str_eq(output, "");
	sink_free(&sink);
}
END_TEST

START_TEST(failures_are_reported)
{
	struct sink sink;
	uint64_t records;

	ck_assert_int_eq(replay("no/such/file", "1", &records), REPLAY_FAULTY);
	ck_assert_ptr_nonnull(strstr(output, "No such file"));

	const char *path = file_of(GOOD);
	sink_start(&sink, SINK_CLOSES_ON_END);
	ck_assert_int_eq(replay(path, sink.port, &records), REPLAY_LOST);
	unlink(path);
	sink_join(&sink);
	ck_assert_ptr_nonnull(strstr(output, "has closed the connection"));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("replay");
	TCase *tcase = tcase_create("replay");

	tcase_set_timeout(tcase, 30);
	tcase_add_test(tcase, a_line_is_a_record);
	tcase_add_test(tcase, an_elb_record_has_the_address_of_its_agent);
	tcase_add_loop_test(tcase, every_fault_is_reported, 0,
	    (int)(sizeof(faults) / sizeof(*faults)));
	tcase_add_test(tcase, a_file_is_sent_without_its_faulty_lines);
	tcase_add_test(tcase, a_good_file_is_sent);
	tcase_add_test(tcase, failures_are_reported);
	suite_add_tcase(suite, tcase);

	int failed = suite_run(suite);
	free(output);
	return failed;
}
