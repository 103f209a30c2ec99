/*
 * choose - the steps that a name on the command line means.
 *
 * The calls are plan_choose() and plan_close() of plan.h.
 */
#ifndef LARDER_CHOOSE_H
#define LARDER_CHOOSE_H

#include "larder/buf.h"
#include "plan.h"

#endif
