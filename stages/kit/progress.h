/*
 * progress - what the work has reached, for whoever watches.
 *
 * Lines go to the file descriptor named by LARDER_PROGRESS. The calls are cheap, never
 * fail, are safe from several threads, and are silent when nobody watches or the watcher
 * has gone.
 *
 *     progress DONE TOTAL UNIT
 *     metric NAME VALUE
 *     note TEXT
 */
#ifndef KIT_PROGRESS_H
#define KIT_PROGRESS_H

/* Writes at most some ten lines a second, and always the one where done is total. total
 * 0: not known. */
void progress_step(long done, long total, const char *unit);
void progress_metric(const char *name, double value);
void progress_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
