# SPDX-License-Identifier: Apache-2.0
# The benchmark's hooks for mod_perl.
package Bench;
use strict;
use warnings;
use Apache2::Access ();
use Apache2::Const -compile => qw(OK FORBIDDEN HTTP_UNAUTHORIZED);
use Apache2::RequestRec ();
use APR::Table ();

my $file;

sub access {
    my $r = shift;
    return ($r->headers_in->get('X-Bench') // '') eq 'yes' ? Apache2::Const::OK : Apache2::Const::FORBIDDEN;
}

sub authenticate {
    my $r = shift;
    my ($status, $password) = $r->get_basic_auth_pw;
    return $status if $status != Apache2::Const::OK;
    return Apache2::Const::OK if $r->user eq 'bench' && $password eq 'secret';
    $r->note_basic_auth_failure;
    return Apache2::Const::HTTP_UNAUTHORIZED;
}

sub log {
    my $r = shift;
    if (!$file) {
        open $file, '>>', $ENV{BENCH_LOG} or die "$ENV{BENCH_LOG}: $!";
    }
    syswrite $file, join(' ', $r->method, $r->uri, $r->status) . "\n";
    return Apache2::Const::OK;
}

1;
