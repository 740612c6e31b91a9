service Echo { string Call(1: string what) }
