/*
 * command - what `larder` can be asked to do: one function a command.
 *
 * Each opens the session that it needs and prints its result on standard output.
 */
#ifndef LARDER_COMMAND_H
#define LARDER_COMMAND_H

#include "cli.h"
#include "larder/error.h"

extern const struct command command_table[]; /* ends with an all-zero entry */

int command_run(const struct cli *cli, struct error *err);
int command_status(const struct cli *cli, struct error *err);
int command_plan(const struct cli *cli, struct error *err);
int command_why(const struct cli *cli, struct error *err);
int command_diff(const struct cli *cli, struct error *err);
int command_graph(const struct cli *cli, struct error *err);
int command_check(const struct cli *cli, struct error *err);
int command_get(const struct cli *cli, struct error *err);
int command_push(const struct cli *cli, struct error *err);
int command_serve(const struct cli *cli, struct error *err);
int command_pull(const struct cli *cli, struct error *err);
int command_bundle(const struct cli *cli, struct error *err);
int command_unbundle(const struct cli *cli, struct error *err);
int command_key(const struct cli *cli, struct error *err);
int command_rerun(const struct cli *cli, struct error *err); /* of verify --rerun */
int command_attest(const struct cli *cli, struct error *err);
int command_trust(const struct cli *cli, struct error *err);
int command_log(const struct cli *cli, struct error *err);
int command_report(const struct cli *cli, struct error *err);
int command_export(const struct cli *cli, struct error *err);
int command_pin(const struct cli *cli, struct error *err);
int command_unpin(const struct cli *cli, struct error *err);
int command_gc(const struct cli *cli, struct error *err);
int command_verify(const struct cli *cli, struct error *err);
int command_fsck(const struct cli *cli, struct error *err);
int command_config(const struct cli *cli, struct error *err);
int command_job(const struct cli *cli, struct error *err);
int command_init(const struct cli *cli, struct error *err);
int command_du(const struct cli *cli, struct error *err);
int command_doctor(const struct cli *cli, struct error *err);
int command_complete(const struct cli *cli, struct error *err);
int command_version(const struct cli *cli, struct error *err);
int command_help(const struct cli *cli, struct error *err);

#endif
