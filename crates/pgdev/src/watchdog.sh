# Runs PostgreSQL, or adopts one that runs, and stops it once no client has been connected to it for a while.
# Started by pgdev, as the server's user and in a process group of its own.
#
#   standard input   the watchdog's lock: this shell alone holds it, hence the many `</dev/null`
#   standard output  the server's lock: PostgreSQL gets it as its standard input
#   standard error   the log
#
# Arguments: run or adopt, directory of the programs, of the data, of the socket, file of attachments, linger in seconds,
# options of PostgreSQL...

task=$1 programs=$2 data=$3 sockets=$4 attachments=$5 linger=$6
shift 6
mark=$sockets/stopping

# A closed terminal or a Ctrl-C is for our parent.
trap '' HUP INT

# Its own pid file must name it too: its process may wait as a zombie where the first process of a container reaps none.
alive() {
    kill -0 "$server" && read -r named <"$data/postmaster.pid" && [ "$named" = "$server" ]
} 2>/dev/null

# One second, less when the server ends.
pause() {
    for _ in 1 2 3 4; do
        alive || return
        sleep 0.25 </dev/null
    done
}

clients() {
    "$programs/psql" -XAtqw -h "$sockets" -U postgres -d postgres -c "
        select count(*) from pg_stat_activity
        where backend_type = 'client backend' and pid <> pg_backend_pid()" </dev/null 2>/dev/null
}

# A client that cannot be counted, because the server is too busy to answer, is one.
unused() {
    before=$seen
    read -r seen <"$attachments"
    [ "$seen" = "$before" ] && [ "$(clients)" = 0 ]
}

stop() {
    kill -INT "$server"
    quarters=40
    while alive; do
        [ "$quarters" -gt 0 ] || kill -QUIT "$server"
        quarters=$((quarters - 1))
        sleep 0.25 </dev/null
    done
}

if [ "$task" = run ]; then
    "$programs/postgres" -D "$data" "$@" <&1 >&2 &
    server=$!
    exec >&2
    until "$programs/pg_isready" -q -h "$sockets" -t 2 </dev/null; do
        if ! kill -0 "$server" 2>/dev/null; then
            wait "$server"
            exit $?
        fi
        sleep 0.1 </dev/null
    done
else
    exec >&2
    read -r server <"$data/postmaster.pid" || exit 1
    rmdir "$mark" 2>/dev/null
fi

seen=
idle=0
while alive; do
    if unused; then idle=$((idle + 1)); else idle=0; fi
    if [ "$idle" -gt "$linger" ]; then
        # Whoever attaches writes down its attachment and then looks for the mark; we look the other way round. So one of
        # the two sees the other.
        mkdir "$mark"
        if unused; then
            echo "pgdev: no client for $linger s, stopping"
            stop
        fi
        rmdir "$mark"
        idle=0
    fi
    pause
done
