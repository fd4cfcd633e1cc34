# Answers every question of the DNS on 127.0.0.1 with: there is no such name. Argument: the port, if not 53.
#
# Docker's name server passes on what it does not know, the name of a container that is dead or cut off above all, and
# may then say nothing for seconds. Redis and Sentinel stand still while they look a name up: Sentinel so long that it
# does not trust its own clock any more (tilt), and promotes nobody. A container of the store knows no names but those
# of the site, so it asks here (dns: in docker-compose.yml).
use strict;
use warnings;
use Socket;

socket(my $socket, PF_INET, SOCK_DGRAM, 0) or die "no socket: $!";
bind($socket, sockaddr_in(shift // 53, INADDR_LOOPBACK)) or die "cannot listen for questions: $!";
while (1) {
    my $peer = recv($socket, my $packet, 1500, 0) // next;
    # A header that begins with a number, a question (a name that ends with a zero, type and class), and what is of no
    # interest here.
    next unless $packet =~ /^(..).{10}([^\x00]*\x00.{4})/s;
    my ($id, $question) = ($1, $2);
    send($socket, $id . pack("n5", 0x8183, 1, 0, 0, 0) . $question, 0, $peer);
}
