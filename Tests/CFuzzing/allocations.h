#ifndef TESSERA_ALLOCATIONS_H
#define TESSERA_ALLOCATIONS_H

#include <stdbool.h>
#include <stdint.h>

bool allocations_are_counted(void);
void allocations_begin(void);
void allocations_end(void);
int64_t allocations_peak(void);

#endif
