.p2align 6
.Lpaydirt_forms_sha_ni:
sha256msg1 xmm5, xmm6
vpalignr xmm0, xmm8, xmm7, 4
vpaddd xmm5, xmm5, xmm0
sha256msg2 xmm5, xmm8
sha256msg1 xmm9, xmm10
vpalignr xmm0, xmm12, xmm11, 4
vpaddd xmm9, xmm9, xmm0
sha256msg2 xmm9, xmm12
vpaddd xmm0, xmm5, xmmword ptr [rdi + 3648]
sha256rnds2 xmm2, xmm1, xmm0
vpshufd xmm0, xmm0, 14
sha256rnds2 xmm1, xmm2, xmm0
vpaddd xmm0, xmm9, xmmword ptr [rdi + 3648]
sha256rnds2 xmm4, xmm3, xmm0
vpshufd xmm0, xmm0, 14
sha256rnds2 xmm3, xmm4, xmm0
vmovq xmm0, qword ptr [rdi + 344]
sha256rnds2 xmm1, xmm2, xmm0
vmovq xmm0, qword ptr [rdi + 856]
sha256rnds2 xmm3, xmm4, xmm0
vmovdqa64 ymm16, ymm3
vmovdqa ymm3, ymm3
vpxord ymm16, ymm3, ymm3
vpand ymm3, ymm3, ymm3
vpaddd ymm3, ymm3, dword ptr [rdi - 8]{1to8}
vpbroadcastd ymm16, dword ptr [rdi + 4]
