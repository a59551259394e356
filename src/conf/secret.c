/* SPDX-License-Identifier: MIT
 *
 * Reading a secret.  Called by the one thread of a worker that uses the
 * database; no copy of the secret is left in memory but that in struct secret.
 */
#include "config.h"

#include "conf/secret.h"

#include "conf/conffile.h"
#include "conf/value.h"
#include "lib/text.h"

#include <errno.h>

struct reading {
	const struct conf_option *option;
	struct complaints complaints;
	char *text;
};

void
secret_init(struct secret *secret, const char *path)
{
	*secret =
	    (struct secret){ path, option_find("mysql", "password"), NULL };
}

/* Keep one option and skip all others, which the master has checked. */
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
	text = value_text(option, value, reason);
	if (text == NULL) {
		option_name(option, name, sizeof(name));
		complain_lost(&r->complaints, where, name, errno, "%s", reason);
		return;
	}
	wipe_text(r->text);
	r->text = text;
}

enum secret_status
secret_read(struct secret *secret, FILE *errors)
{
	struct reading r = { .option = secret->option,
		.complaints = { .out = errors } };

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
