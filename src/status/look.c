/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "status/look.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct look {
	struct look_totals totals;
};

enum shm_status
look_new(struct look **look, const char *instance, struct look *previous,
    const struct look_limits *limits, uint64_t now_ms)
{
	struct segment master;
	enum shm_status found =
	    segment_open_master(&master, instance, SEGMENT_READ);

	*look = NULL;
	if (found != SHM_OK)
		return found;
	segment_close(&master);
	*look = calloc(1, sizeof(**look));
	if (*look == NULL)
		return SHM_SYSTEM;
	(*look)->totals = (struct look_totals){
		.number = previous == NULL ? 1 : previous->totals.number + 1,
		.now_ms = now_ms,
		.limits = *limits,
	};
	return SHM_OK;
}

void
look_free(struct look *look)
{
	free(look);
}

const struct look_totals *
look_totals(const struct look *look)
{
	return &look->totals;
}

const struct look_service *
look_services(const struct look *look)
{
	(void)look;
	return NULL;
}

const struct look_service *
look_find(const struct look *look, int32_t modid, int32_t cmdid)
{
	(void)look;
	(void)modid;
	(void)cmdid;
	return NULL;
}

const struct look_server *
look_servers(const struct look *look, const struct look_service *service)
{
	(void)look;
	(void)service;
	return NULL;
}

const struct look_server *
look_find_server(const struct look *look, const struct look_service *service,
    uint32_t ip, uint16_t port)
{
	(void)look;
	(void)service;
	(void)ip;
	(void)port;
	return NULL;
}

const uint32_t *
look_callers_of(const struct look *look, const struct look_service *service)
{
	(void)look;
	(void)service;
	return NULL;
}

const struct look_caller *
look_callers(const struct look *look)
{
	(void)look;
	return NULL;
}

size_t
look_keys(const struct look *look, const char *instance,
    const struct look_server *server, struct look_key *keys, size_t max)
{
	(void)look;
	(void)instance;
	(void)server;
	(void)keys;
	(void)max;
	return 0;
}

const struct look_flip *
look_flips(const struct look *look, size_t *count)
{
	(void)look;
	*count = 0;
	return NULL;
}
