/* Which functions are in this library, and what they take: a number that changes with them, as in library.py. */
int gdn_interface(void)
{
    return 3;
}
