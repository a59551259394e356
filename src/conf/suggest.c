/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "conf/option.h"
#include "conf/suggest.h"

#include <stdio.h>
#include <string.h>

#define MIGRATE "; for a file of Lars or ELB, see reporter-migrate(8)"
#define NEAR 2 /* typing errors in a name that is still suggested */

static unsigned
min_of(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* How many letters must be added, left out, changed or swapped with their
   neighbor to make b of a; a large number for long names. */
static unsigned
distance(const char *a, const char *b)
{
	unsigned cost[OPTION_NAME_MAX][OPTION_NAME_MAX];
	size_t m = strlen(a), n = strlen(b);

	if (m >= OPTION_NAME_MAX || n >= OPTION_NAME_MAX)
		return OPTION_NAME_MAX;
	for (size_t i = 0; i <= m; i++) {
		for (size_t j = 0; j <= n; j++) {
			if (i == 0 || j == 0) {
				cost[i][j] = (unsigned)(i + j);
				continue;
			}
			cost[i][j] =
			    min_of(cost[i - 1][j - 1] + (a[i - 1] != b[j - 1]),
				1 + min_of(cost[i - 1][j], cost[i][j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				cost[i][j] =
				    min_of(cost[i][j], cost[i - 2][j - 2] + 1);
		}
	}
	return cost[m][n];
}

/* The option whose name is nearest, or NULL. */
static const struct conf_option *
nearest_option(const char *section, const char *name)
{
	const struct conf_option *nearest = NULL;
	unsigned best = NEAR + 1;

	for (size_t i = 0; i < option_count; i++) {
		const struct conf_option *option = &option_table[i];
		unsigned away = distance(name, option->name);

		/* A short name is not near to every other short name. */
		if (away * 2 >= strlen(option->name))
			continue;
		/* In another section the name must be the very same. */
		if (strcmp(section, option->section) != 0)
			away = away == 0 ? 1 : NEAR + 1;
		if (away < best) {
			best = away;
			nearest = option;
		}
	}
	return nearest;
}

/* Whether this name of a section or an option is of Lars' or ELB's reporter. */
static bool
is_ancestors(const char *name)
{
	static const char *const names[] = { "reactor", "repoter", "maxConn",
		"maxConns", "threadNum", "thread_cnt", "db_thread_cnt" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return strncmp(name, "db_", 3) == 0;
}

void
suggest_option(char text[SUGGEST_MAX], const char *section, const char *name)
{
	const struct conf_option *near = nearest_option(section, name);
	bool outside = *section == '\0';
	const char *error = "unknown option", *home = "reporter";

	if (near == NULL && distance(name, "include") > NEAR) {
		snprintf(text, SUGGEST_MAX, "%s%s", error,
		    is_ancestors(name) ? MIGRATE : "");
		return;
	}
	if (near != NULL && outside)
		error = "option outside a section";
	if (near != NULL)
		home = near->section;
	else if (outside)
		home = section;
	name = near == NULL ? "include" : near->name;
	if (strcmp(home, section) == 0)
		snprintf(
		    text, SUGGEST_MAX, "%s; did you mean %s?", error, name);
	else
		snprintf(text, SUGGEST_MAX, "%s; did you mean %s in [%s]?",
		    error, name, home);
}

void
suggest_section(char text[SUGGEST_MAX], const char *name)
{
	const char *nearest = NULL;
	unsigned best = NEAR + 1;

	for (size_t i = 0; i < option_count; i++) {
		unsigned away = distance(name, option_table[i].section);

		if (away < best) {
			best = away;
			nearest = option_table[i].section;
		}
	}
	if (is_ancestors(name)) {
		snprintf(text, SUGGEST_MAX, "unknown section%s", MIGRATE);
		return;
	}
	snprintf(text, SUGGEST_MAX, "unknown section%s%s%s",
	    nearest == NULL ? "" : "; did you mean [",
	    nearest == NULL ? "" : nearest, nearest == NULL ? "" : "]?");
}
