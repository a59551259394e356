/* SPDX-License-Identifier: MIT
 *
 * Reading a secret.  Owns the text while struct secret holds it; no copy of it
 * is left anywhere else in memory.  Called by the one thread of a worker that
 * talks to the database; errors are returned and written to a stream.
 */
#include "config.h"

#include "conf/secret.h"

#include "conf/conffile.h"
#include "conf/value.h"
#include "lib/wipe.h"

#include <errno.h>

/* A secret on its way. */
struct reading {
	const struct conf_option *option;
	struct complaints complaints;
	char *text;
};

void
secret_init(struct secret *secret, const char *path, const char *section,
    const char *name)
{
	*secret = (struct secret){ path, option_find(section, name), NULL };
}

/* Keep one option, and pass over all others: what they say was checked by the
   master. */
static void
take(void *arg, const struct conf_option *option, const char *value,
    const char *where)
{
	struct reading *r = arg;
	char name[OPTION_NAME_MAX], reason[VALUE_REASON_MAX];
	char *text;

	if (option != r->option)
		return;
	errno = 0;
	text = value_secret(option, value, reason, sizeof(reason));
	if (text == NULL) {
		r->complaints.lost = true;
		r->complaints.shortage |= errno == ENOMEM;
		option_name(option, name, sizeof(name));
		complain(&r->complaints, where, name, "%s", reason);
		return;
	}
	wipe_text(r->text);
	r->text = text;
}

enum secret_status
secret_read(struct secret *secret, FILE *errors)
{
	struct reading r = { secret->option, { errors, 0, false, false },
		NULL };

	conffile_read(secret->path, &r.complaints, take, &r);
	/* A section's name that is wrong hides what stands below it. */
	if (r.complaints.lost || (r.complaints.count > 0 && r.text == NULL)) {
		wipe_text(r.text);
		return r.complaints.shortage ? SECRET_SHORTAGE : SECRET_REFUSED;
	}
	secret_wipe(secret);
	secret->text = r.text;
	return SECRET_READ;
}

void
secret_wipe(struct secret *secret)
{
	wipe_text(secret->text);
	secret->text = NULL;
}
