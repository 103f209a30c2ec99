#include "known.h"

#include "larder/banned.h"

const struct known known[] = {
    { "", "", "", 0, 0 },
};
const size_t n_known = sizeof known / sizeof *known;
