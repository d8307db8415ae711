/* What gcc's -fopenmp calls in the operators, in POSIX threads, whose waiting ThreadSanitizer understands.

   Teams are not nested, and all loops of a team have the same threads. */
#include <pthread.h>
#include <stdbool.h>

#define MOST_THREADS 64
#define MOST_LOOPS 65536 /* dynamic loops, and single regions, that a team meets in one parallel region */

typedef struct {
    long next, end, chunk, step;
    bool ready;
} loop_t;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t barrier;
static loop_t loops[MOST_LOOPS];
static bool taken[MOST_LOOPS];
static int team = 1;
static __thread int number, loops_met, singles_met;

typedef struct {
    void (*body)(void *);
    void *data;
    int number;
} start_t;

static void *begin(void *argument)
{
    const start_t *start = argument;
    number = start->number;
    loops_met = singles_met = 0;
    start->body(start->data);
    return 0;
}

void GOMP_parallel(void (*body)(void *), void *data, unsigned threads, unsigned flags)
{
    (void)flags;
    pthread_t others[MOST_THREADS];
    start_t starts[MOST_THREADS];
    team = threads;
    for (int i = 0; i < MOST_LOOPS && (loops[i].ready || taken[i]); i++)
        loops[i].ready = taken[i] = false;
    pthread_barrier_init(&barrier, 0, threads);
    for (unsigned i = 0; i < threads; i++)
        starts[i] = (start_t){body, data, i};
    for (unsigned i = 1; i < threads; i++)
        pthread_create(&others[i], 0, begin, &starts[i]);
    begin(&starts[0]);
    for (unsigned i = 1; i < threads; i++)
        pthread_join(others[i], 0);
    pthread_barrier_destroy(&barrier);
    team = 1;
}

void GOMP_barrier(void)
{
    pthread_barrier_wait(&barrier);
}

int omp_get_thread_num(void)
{
    return number;
}

int omp_get_num_threads(void)
{
    return team;
}

bool GOMP_single_start(void)
{
    pthread_mutex_lock(&lock);
    const bool first = !taken[singles_met];
    taken[singles_met++] = true;
    pthread_mutex_unlock(&lock);
    return first;
}

bool GOMP_loop_nonmonotonic_dynamic_next(long *first, long *last)
{
    pthread_mutex_lock(&lock);
    loop_t *loop = &loops[loops_met];
    const bool more = loop->next < loop->end;
    if (more) {
        *first = loop->next;
        loop->next += loop->chunk * loop->step;
        *last = loop->next < loop->end ? loop->next : loop->end;
    }
    pthread_mutex_unlock(&lock);
    return more;
}

bool GOMP_loop_nonmonotonic_dynamic_start(long start, long end, long step, long chunk, long *first, long *last)
{
    pthread_mutex_lock(&lock);
    if (!loops[loops_met].ready)
        loops[loops_met] = (loop_t){start, end, chunk, step, true};
    pthread_mutex_unlock(&lock);
    return GOMP_loop_nonmonotonic_dynamic_next(first, last);
}

void GOMP_loop_end(void)
{
    loops_met++;
    GOMP_barrier();
}

void GOMP_loop_end_nowait(void)
{
    loops_met++;
}
