// What the files of this target share. Nothing outside includes it: Swift sees ctorch.h.
#pragma once
#include <ctorch.h>

#ifdef __cplusplus
extern "C"
#endif
const ct_api *tessera_torch_api(void);
