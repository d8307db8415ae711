EPILOG = ''
