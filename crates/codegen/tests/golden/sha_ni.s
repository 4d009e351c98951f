.p2align 6
.Lpaydirt_forms_sha_ni:
vmovq xmm0, qword ptr [rdi + 280]
sha256rnds2 xmm1, xmm2, xmm0
vmovq xmm0, qword ptr [rdi + 792]
sha256rnds2 xmm3, xmm4, xmm0
vmovdqa64 ymm16, ymm3
vmovdqa ymm3, ymm3
vpxord ymm16, ymm3, ymm3
vpand ymm3, ymm3, ymm3
vpaddd ymm3, ymm3, dword ptr [rdi - 8]{1to8}
vpbroadcastd ymm16, dword ptr [rdi + 4]
