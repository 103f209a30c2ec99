/* banned - functions that do not compile in this project: each has a safer neighbour. */
#ifndef LARDER_BANNED_H
#define LARDER_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#pragma GCC poison strcpy strcat sprintf vsprintf strtok atoi atol atof gets

#endif
