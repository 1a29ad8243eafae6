/*
 * fp_save(fp), fp_load(fp): f0..f31 and fcsr to and from 33 doublewords. The
 * caller has set sstatus.FS.
 */
.option arch, +f, +d
.section .text
.global fp_save
.type fp_save, @function
fp_save:
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    fsd f\n, \n*8(a0)
    .endr
    frcsr t0
    sd t0, 256(a0)
    ret
.size fp_save, . - fp_save

.global fp_load
.type fp_load, @function
fp_load:
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    fld f\n, \n*8(a0)
    .endr
    ld t0, 256(a0)
    fscsr t0
    ret
.size fp_load, . - fp_load
