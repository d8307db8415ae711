/* Changes whenever a function or an argument of this library does; compiled.py expects the same number. */
int gdn_interface(void)
{
    return 4;
}
