/* SPDX-License-Identifier: MIT
 *
 * Looking at files before they are opened.  Owns nothing; any process, any
 * thread; nothing here fails.
 */
#include "config.h"

#include "file.h"

#include <sys/stat.h>

bool
file_is_endless(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && !S_ISREG(st.st_mode) &&
	       !S_ISDIR(st.st_mode);
}
