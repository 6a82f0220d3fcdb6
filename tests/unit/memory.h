/* The broker's memory, for tests of the plugin: as many blocks as are left, and none lost at the end. */
#ifndef TESTS_UNIT_MEMORY_H
#define TESTS_UNIT_MEMORY_H

#include <stdint.h>
#include <stdlib.h>

static long blocks_left = -1;		 /* below 0: any number */
static size_t blocks_largest = SIZE_MAX; /* elements of one */
static long blocks_used;

void *mosquitto_calloc(size_t count, size_t size)
{
	if (blocks_left == 0 || count > blocks_largest)
		return NULL;
	if (blocks_left > 0)
		blocks_left--;
	blocks_used++;
	return calloc(count, size);
}

void mosquitto_free(void *block)
{
	if (block)
		blocks_used--;
	free(block);
}

#endif
