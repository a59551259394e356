/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "conf/option.h"

#include "lib/text.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Where the option's value lies. */
#define PLACE(option, settings) \
	((void *)((char *)(settings) + (option)->offset))
#define PLACE_CONST(option, settings) \
	((const void *)((const char *)(settings) + (option)->offset))

/* -------------------------------------------------------------- units ---- */

struct unit {
	const char *name;
	uint64_t factor;
};

/* The smallest first. */
static const struct unit times[] = { { "ms", 1 }, { "s", 1000 },
	{ "min", 60000 }, { "h", 3600000 }, { NULL, 0 } };
static const struct unit sizes[] = { { "", 1 }, { "k", 1024 },
	{ "m", 1024 * 1024 }, { "g", 1024 * 1024 * 1024 }, { NULL, 0 } };
static const struct unit none[] = { { "", 1 }, { NULL, 0 } };

/* The units that the value of an option may have. */
static const struct unit *
units_of(const struct conf_option *option)
{
	return option->type == OPTION_TIME   ? times
	       : option->type == OPTION_SIZE ? sizes
					     : none;
}

/* Writes the number with its largest unit that leaves no rest, as in "5min". */
static void
units_format(
    const struct conf_option *option, uint64_t number, char *text, size_t size)
{
	const struct unit *unit = units_of(option), *best = unit;

	for (; number != 0 && unit->name != NULL; unit++) {
		if (number % unit->factor == 0)
			best = unit;
	}
	snprintf(text, size, "%" PRIu64 "%s", number / best->factor,
	    number == 0 ? "" : best->name);
}

/* Reads digits, then blanks, then a unit's name or nothing, which stands for
   option->unit.  A number that is too large becomes UINT64_MAX.  Returns
   whether the text is such a number. */
static bool
units_parse(
    const struct conf_option *option, const char *text, uint64_t *number)
{
	const struct unit *unit = units_of(option);
	const char *name;
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	*number = strtoull(text, &end, 10);
	name = end + strspn(end, " \t");
	if (*name == '\0' && option->unit != NULL)
		name = option->unit;
	while (unit->name != NULL && strcasecmp(unit->name, name) != 0)
		unit++;
	if (unit->name == NULL)
		return false;
	if (__builtin_mul_overflow(*number, unit->factor, number))
		*number = UINT64_MAX;
	return true;
}

/* ------------------------------------------------- what an option expects ----
 */

/* As in "a, b or c"; last: before the last one.  NULL when memory is short. */
static char *
join(const char *const *words, const char *last)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	for (size_t i = 0; words != NULL && words[i] != NULL; i++)
		fprintf(out, "%s%s",
		    i == 0                 ? ""
		    : words[i + 1] == NULL ? last
					   : ", ",
		    words[i]);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

void
value_expects(const struct conf_option *option, char *text, size_t size)
{
	static const char *const kinds[] = {
		[OPTION_NUMBER] = "a number",
		[OPTION_POWER] = "a power of two",
		[OPTION_AUTO] = "auto, or a number",
		[OPTION_TIME] = "a time",
		[OPTION_SIZE] = "a size",
	};
	char min[32], max[32], *choices;

	if (option->type == OPTION_CHOICE) {
		choices = join(option->choices, " or ");
		snprintf(text, size, "%s", choices == NULL ? "" : choices);
		free(choices);
		return;
	}
	if (option->expects != NULL) {
		snprintf(text, size, "%s", option->expects);
		return;
	}
	units_format(option, option->min, min, sizeof(min));
	units_format(option, option->max, max, sizeof(max));
	snprintf(text, size, "%s from %s to %s%s%s%s", kinds[option->type], min,
	    max, option->step ? " in whole seconds" : "",
	    option->unit ? ", default unit " : "",
	    option->unit ? option->unit : "");
}

/* Set the reason: "FAULT; expected ..." */
static bool __attribute__((format(printf, 3, 4)))
refuse(const struct conf_option *option, char *reason, const char *format, ...)
{
	char expects[VALUE_EXPECTS_MAX];
	size_t length;
	va_list args;

	va_start(args, format);
	vsnprintf(reason, VALUE_REASON_MAX, format, args);
	va_end(args);
	value_expects(option, expects, sizeof(expects));
	length = strlen(reason);
	snprintf(reason + length, VALUE_REASON_MAX - length, "; expected %s",
	    expects);
	return false;
}

/* ------------------------------------------------------------ numbers ---- */

/* The power of two that is nearest to a number of 1 or more. */
static uint64_t
power_near(uint64_t number)
{
	uint64_t below = UINT64_C(1) << (63 - __builtin_clzll(number));

	return number - below < below * 2 - number ? below : below * 2;
}

static bool
number_set(const struct conf_option *option, uint64_t *value, const char *text,
    char *reason)
{
	uint64_t number;

	if (option->type == OPTION_AUTO && strcmp(text, "auto") == 0) {
		*value = 0;
		return true;
	}
	if (!units_parse(option, text, &number)) {
		return refuse(option, reason, "invalid value \"%.96s\"%s", text,
		    option->type == OPTION_TIME   ? " (units: ms, s, min, h)"
		    : option->type == OPTION_SIZE ? " (units: k, m, g)"
						  : "");
	}
	if (number < option->min || number > option->max) {
		return refuse(option, reason, "%.96s is too %s", text,
		    number < option->min ? "small" : "large");
	}
	if (option->type == OPTION_POWER && (number & (number - 1)) != 0) {
		return refuse(option, reason,
		    "%.96s is not a power of two, the nearest is %" PRIu64,
		    text, power_near(number));
	}
	if (option->step != 0 && number % option->step != 0)
		return refuse(option, reason,
		    "%.96s is not a whole number of seconds", text);
	*value = number;
	return true;
}

/* ------------------------------------------------------------ choices ---- */

static bool
choice_set(const struct conf_option *option, int *value, const char *text,
    char *reason)
{
	for (int i = 0; option->choices[i] != NULL; i++) {
		if (strcmp(option->choices[i], text) == 0) {
			*value = i;
			return true;
		}
	}
	return refuse(option, reason, "invalid value \"%.96s\"", text);
}

/* -------------------------------------------------------------- texts ---- */

static bool
quoted(const char *text, size_t length)
{
	return length >= 2 && text[0] == '"' && text[length - 1] == '"';
}

static bool
text_check(const struct conf_option *option, const char *text, char *reason)
{
	bool secret = option->type == OPTION_SECRET;
	const char *fault = option->check == NULL ? NULL : option->check(text);
	size_t length = strlen(text);

	if (length < option->min)
		return refuse(option, reason, "empty value");
	if (length > option->max)
		return refuse(option, reason, "too long (%zu bytes)", length);
	if (fault != NULL)
		return refuse(option, reason, "\"%.96s\" %s",
		    secret ? "(hidden)" : text, fault);
	return true;
}

char *
value_text(const struct conf_option *option, const char *text, char *reason)
{
	size_t length = strlen(text);
	char *copy =
	    quoted(text, length) ? strndup(text + 1, length - 2) : strdup(text);

	if (copy == NULL) {
		snprintf(reason, VALUE_REASON_MAX, "out of memory");
		return NULL;
	}
	if (text_check(option, copy, reason))
		return copy;
	wipe_text(copy);
	return NULL;
}

static void
text_free(const char **text)
{
	free((void *)(uintptr_t)*text);
	*text = NULL;
}

/* value: a const char *; of a secret a bool: only whether it is set is kept. */
static bool
text_set(const struct conf_option *option, void *value, const char *text,
    char *reason)
{
	char *copy = value_text(option, text, reason);

	if (copy == NULL)
		return false;
	if (option->type == OPTION_SECRET) {
		*(bool *)value = *copy != '\0';
		wipe_text(copy);
	} else {
		text_free(value);
		*(const char **)value = copy;
	}
	return true;
}

/* In quotes where the reader would remove something. */
static char *
text_format(const char *text)
{
	size_t length = strlen(text);
	char *formatted;

	if (length == 0 ||
	    (!isspace((unsigned char)text[0]) && text[0] != '#' &&
		text[0] != ';' && !isspace((unsigned char)text[length - 1]) &&
		!quoted(text, length)))
		return strdup(text);
	if (asprintf(&formatted, "\"%s\"", text) < 0)
		return NULL;
	return formatted;
}

/* -------------------------------------------------------------- lists ---- */

static void
list_free(struct words_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->words[i]);
	free(list->words);
	list->words = NULL;
	list->count = 0;
}

/* The next entry of the list at *text, without its blanks; *text moves past its
   comma, and becomes NULL at the end. */
static char *
list_word(const char **text)
{
	const char *begin = *text + strspn(*text, " \t");
	size_t length = strcspn(begin, ",");

	*text = begin[length] == ',' ? begin + length + 1 : NULL;
	while (length > 0 && isspace((unsigned char)begin[length - 1]))
		length--;
	return strndup(begin, length);
}

/* Whether the entry is valid and fits into the list. */
static bool
list_takes(const struct conf_option *option, const struct words_list *list,
    const char *word, char *fault, size_t size)
{
	const char *what = option->check(word);

	*fault = '\0';
	if (list->count == option->max)
		snprintf(fault, size, "more than %zu entries", list->count);
	else if (*word == '\0')
		snprintf(fault, size, "empty entry");
	else if (what != NULL)
		snprintf(fault, size, "\"%.96s\" %s", word, what);
	for (size_t i = 0; *fault == '\0' && i < list->count; i++)
		if (strcmp(list->words[i], word) == 0)
			snprintf(fault, size, "\"%.96s\" is repeated", word);
	return *fault == '\0';
}

/* Append one more fault, as far as there is room. */
static void
faults_add(char *faults, size_t size, const char *fault)
{
	const char *more = " and more";
	size_t length = strlen(faults);

	if (length + 2 + strlen(fault) + strlen(more) < size)
		snprintf(faults + length, size - length, "%s%s",
		    length == 0 ? "" : ", ", fault);
	else if (length < strlen(more) ||
		 strcmp(faults + length - strlen(more), more) != 0)
		snprintf(faults + length, size - length, "%s", more);
}

static bool
list_set(const struct conf_option *option, struct words_list *value,
    const char *text, char *reason)
{
	char faults[VALUE_REASON_MAX - VALUE_EXPECTS_MAX - 16] = "";
	char fault[VALUE_REASON_MAX / 2], *word;
	bool is_full = false; /* all that follow would be too many as well */

	if (*text == '\0' && option->min > 0)
		return refuse(option, reason, "empty value");
	struct words_list list = { .words = calloc((size_t)option->max + 1,
				       sizeof(*list.words)) };
	text = *text == '\0' ? NULL : text;
	while (list.words != NULL && text != NULL && !is_full) {
		is_full = list.count == option->max;
		word = list_word(&text);
		if (word == NULL) {
			list_free(&list);
		} else if (list_takes(
			       option, &list, word, fault, sizeof(fault))) {
			list.words[list.count++] = word;
		} else {
			free(word);
			faults_add(faults, sizeof(faults), fault);
		}
	}
	if (list.words == NULL) {
		snprintf(reason, VALUE_REASON_MAX, "out of memory");
		return false;
	}
	if (*faults != '\0') {
		list_free(&list);
		return refuse(option, reason, "%s", faults);
	}
	list_free(value);
	*value = list;
	return true;
}

/* ---------------------------------------------------------- all types ---- */

bool
value_parse(const struct conf_option *option, struct settings *settings,
    const char *text, char *reason)
{
	void *value = PLACE(option, settings);

	switch (option->type) {
	case OPTION_CHOICE:
		return choice_set(option, value, text, reason);
	case OPTION_TEXT:
	case OPTION_SECRET:
		return text_set(option, value, text, reason);
	case OPTION_LIST:
		return list_set(option, value, text, reason);
	case OPTION_NUMBER:
	case OPTION_POWER:
	case OPTION_AUTO:
	case OPTION_TIME:
	case OPTION_SIZE:
		break;
	}
	return number_set(option, value, text, reason);
}

char *
value_format(const struct conf_option *option, const struct settings *settings)
{
	const void *value = PLACE_CONST(option, settings);
	const struct words_list *list;
	uint64_t number;
	char text[32];

	switch (option->type) {
	case OPTION_CHOICE:
		return strdup(option->choices[*(const int *)value]);
	case OPTION_TEXT:
		return text_format(*(const char *const *)value);
	case OPTION_SECRET:
		return strdup(*(const bool *)value ? "(hidden)" : "");
	case OPTION_LIST:
		list = value;
		return join((const char *const *)list->words, ", ");
	case OPTION_NUMBER:
	case OPTION_POWER:
	case OPTION_AUTO:
	case OPTION_TIME:
	case OPTION_SIZE:
		break;
	}
	number = *(const uint64_t *)value;
	if (option->type == OPTION_AUTO && number == 0)
		return strdup("auto");
	units_format(option, number, text, sizeof(text));
	return strdup(text);
}

void
value_free(const struct conf_option *option, struct settings *settings)
{
	if (option->type == OPTION_LIST)
		list_free(PLACE(option, settings));
	else if (option->type == OPTION_TEXT)
		text_free(PLACE(option, settings));
}
