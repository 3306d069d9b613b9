// store/entities_schema.h: the versions of the entity database. Version n is reached by running
// step n - 1; steps that were released never change.
#pragma once

#define STORE_ENTITIES_VERSION 3

extern const char *const store_entities_steps[STORE_ENTITIES_VERSION];
