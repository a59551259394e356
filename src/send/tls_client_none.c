/* SPDX-License-Identifier: MIT
 *
 * TLS for the sender in a build without OpenSSL: there is none.
 */
#include "config.h"

#include "send/tls_client.h"

#include <stdio.h>

struct sender_layer *
tls_client_new(const struct tls_client_files *files, bool insecure,
    char *reason, size_t size)
{
	(void)files;
	(void)insecure;
	snprintf(reason, size,
	    "--tls: this reporter-send was built without OpenSSL");
	return NULL;
}

void
tls_client_free(struct sender_layer *layer)
{
	(void)layer;
}
