/* SPDX-License-Identifier: MIT
 *
 * Reading a secret.  Called by the one thread of a worker that uses the
 * database; no copy of the secret is left in memory but that in struct secret.
 */
#include "config.h"

#include "conf/secret.h"

#include "lib/text.h"

#include <errno.h>

struct reading {
	struct complaints complaints;
	char *text;
};

/* Keep the one secret and skip all others, which the master has checked. */
static void
take(void *arg, const struct conf_option *option, const char *value,
    const char *where)
{
	struct reading *r = arg;
	char reason[VALUE_REASON_MAX];
	char *text;

	if (option->type != OPTION_SECRET)
		return;
	errno = 0;
	text = value_text(option, value, reason);
	if (text == NULL) {
		complain_lost(
		    &r->complaints, where, option->full, errno, "%s", reason);
		return;
	}
	wipe_text(r->text);
	r->text = text;
}

enum secret_status
secret_read(struct secret *secret, FILE *errors)
{
	struct reading r = { .complaints = { .out = errors } };

	conffile_read(secret->path, &r.complaints, take, &r);
	/* The secret may be below the name of an unknown section. */
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
