/// Limits on what reading one input of a fuzzer may take, watched from outside of the reader.
#ifndef TESSERA_FUZZING_H
#define TESSERA_FUZZING_H

#include <stdbool.h>
#include <stdint.h>

enum { fuzzing_worker_limit = 64 };

/// Ends the process with status 1, naming the input, where one crashes or takes more than `seconds` of
/// processor time, or sixty times as long by the clock.
void fuzzing_watch(double seconds);

/// Gives this thread a stack for reports of an overflow of its own. Once a thread.
void fuzzing_prepare_thread(void);

/// Begins to count what this thread allocates for input `number`. `worker` is below the limit.
void fuzzing_begin(int worker, uint64_t number);

/// Ends the counting.
void fuzzing_end(int worker);

/// The processor time between the last begin and end of this thread.
double fuzzing_seconds(void);

/// Most bytes that were allocated at once between the last begin and end of this thread; -1 where
/// they cannot be counted, which is so with the address sanitizer.
int64_t fuzzing_peak_bytes(void);

#endif
