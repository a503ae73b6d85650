// SPDX-License-Identifier: BSL-1.0
// tandem/ipc/fields.hpp: each field of an aggregate, without a macro.        level 1
#pragma once

#include <tandem/ipc/field_count.hpp>

#include <cstddef>
#include <type_traits>

namespace tandem::detail {

// Calls visit.operator()<types...>(fields...) with the fields of an aggregate in their order and
// their declared types, const if T is. Structured bindings need as many names in the source.
template <class T, class Visit>
constexpr decltype(auto) visit_fields(T& whole, Visit&& visit) {
    constexpr std::size_t count = aggregate_info<std::remove_const_t<T>>::fields;
    if constexpr (count == 0) {
        return visit();
    } else if constexpr (count == 1) {
        auto& [a] = whole;
        return visit.template operator()<decltype(a)>(a);
    } else if constexpr (count == 2) {
        auto& [a, b] = whole;
        return visit.template operator()<decltype(a), decltype(b)>(a, b);
    } else if constexpr (count == 3) {
        auto& [a, b, c] = whole;
        return visit.template operator()<decltype(a), decltype(b), decltype(c)>(a, b, c);
    } else if constexpr (count == 4) {
        auto& [a, b, c, d] = whole;
        return visit.template operator()<decltype(a), decltype(b), decltype(c), decltype(d)>(a, b,
                                                                                             c, d);
    } else if constexpr (count == 5) {
        auto& [a, b, c, d, e] = whole;
        return visit.template
        operator()<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e)>(a, b, c, d, e);
    } else if constexpr (count == 6) {
        auto& [a, b, c, d, e, f] = whole;
        return visit.template operator()<decltype(a), decltype(b), decltype(c), decltype(d),
                                         decltype(e), decltype(f)>(a, b, c, d, e, f);
    } else if constexpr (count == 7) {
        auto& [a, b, c, d, e, f, g] = whole;
        return visit.template operator()<decltype(a), decltype(b), decltype(c), decltype(d),
                                         decltype(e), decltype(f), decltype(g)>(a, b, c, d, e, f,
                                                                                g);
    } else if constexpr (count == 8) {
        auto& [a, b, c, d, e, f, g, h] = whole;
        return visit.template operator()<decltype(a), decltype(b), decltype(c), decltype(d),
                                         decltype(e), decltype(f), decltype(g), decltype(h)>(
            a, b, c, d, e, f, g, h);
    } else if constexpr (count == 9) {
        auto& [a, b, c, d, e, f, g, h, i] = whole;
        return visit.template
        operator()<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e), decltype(f),
                   decltype(g), decltype(h), decltype(i)>(a, b, c, d, e, f, g, h, i);
    } else if constexpr (count == 10) {
        auto& [a, b, c, d, e, f, g, h, i, j] = whole;
        return visit
            .template operator()<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e),
                                 decltype(f), decltype(g), decltype(h), decltype(i), decltype(j)>(
                a, b, c, d, e, f, g, h, i, j);
    } else if constexpr (count == 11) {
        auto& [a, b, c, d, e, f, g, h, i, j, k] = whole;
        return visit.template
        operator()<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e), decltype(f),
                   decltype(g), decltype(h), decltype(i), decltype(j), decltype(k)>(
            a, b, c, d, e, f, g, h, i, j, k);
    } else if constexpr (count == 12) {
        auto& [a, b, c, d, e, f, g, h, i, j, k, l] = whole;
        return visit.template
        operator()<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e), decltype(f),
                   decltype(g), decltype(h), decltype(i), decltype(j), decltype(k), decltype(l)>(
            a, b, c, d, e, f, g, h, i, j, k, l);
    } else if constexpr (count == 13) {
        auto& [a, b, c, d, e, f, g, h, i, j, k, l, m] = whole;
        return visit.template
        operator()<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e), decltype(f),
                   decltype(g), decltype(h), decltype(i), decltype(j), decltype(k), decltype(l),
                   decltype(m)>(a, b, c, d, e, f, g, h, i, j, k, l, m);
    } else if constexpr (count == 14) {
        auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n] = whole;
        return visit.template
        operator()<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e), decltype(f),
                   decltype(g), decltype(h), decltype(i), decltype(j), decltype(k), decltype(l),
                   decltype(m), decltype(n)>(a, b, c, d, e, f, g, h, i, j, k, l, m, n);
    } else if constexpr (count == 15) {
        auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o] = whole;
        return visit
            .template operator()<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e),
                                 decltype(f), decltype(g), decltype(h), decltype(i), decltype(j),
                                 decltype(k), decltype(l), decltype(m), decltype(n), decltype(o)>(
                a, b, c, d, e, f, g, h, i, j, k, l, m, n, o);
    } else if constexpr (count == 16) {
        auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = whole;
        return visit.template
        operator()<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e), decltype(f),
                   decltype(g), decltype(h), decltype(i), decltype(j), decltype(k), decltype(l),
                   decltype(m), decltype(n), decltype(o), decltype(p)>(a, b, c, d, e, f, g, h, i, j,
                                                                       k, l, m, n, o, p);
    } else if constexpr (count == 17) {
        auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q] = whole;
        return visit.template
        operator()<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e), decltype(f),
                   decltype(g), decltype(h), decltype(i), decltype(j), decltype(k), decltype(l),
                   decltype(m), decltype(n), decltype(o), decltype(p), decltype(q)>(
            a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q);
    } else if constexpr (count == 18) {
        auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r] = whole;
        return visit.template
        operator()<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e), decltype(f),
                   decltype(g), decltype(h), decltype(i), decltype(j), decltype(k), decltype(l),
                   decltype(m), decltype(n), decltype(o), decltype(p), decltype(q), decltype(r)>(
            a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r);
    } else if constexpr (count == 19) {
        auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s] = whole;
        return visit.template
        operator()<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e), decltype(f),
                   decltype(g), decltype(h), decltype(i), decltype(j), decltype(k), decltype(l),
                   decltype(m), decltype(n), decltype(o), decltype(p), decltype(q), decltype(r),
                   decltype(s)>(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s);
    } else if constexpr (count == 20) {
        auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t] = whole;
        return visit
            .template operator()<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e),
                                 decltype(f), decltype(g), decltype(h), decltype(i), decltype(j),
                                 decltype(k), decltype(l), decltype(m), decltype(n), decltype(o),
                                 decltype(p), decltype(q), decltype(r), decltype(s), decltype(t)>(
                a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t);
    } else if constexpr (count == 21) {
        auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u] = whole;
        return visit.template
        operator()<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e), decltype(f),
                   decltype(g), decltype(h), decltype(i), decltype(j), decltype(k), decltype(l),
                   decltype(m), decltype(n), decltype(o), decltype(p), decltype(q), decltype(r),
                   decltype(s), decltype(t), decltype(u)>(a, b, c, d, e, f, g, h, i, j, k, l, m, n,
                                                          o, p, q, r, s, t, u);
    } else if constexpr (count == 22) {
        auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v] = whole;
        return visit.template
        operator()<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e), decltype(f),
                   decltype(g), decltype(h), decltype(i), decltype(j), decltype(k), decltype(l),
                   decltype(m), decltype(n), decltype(o), decltype(p), decltype(q), decltype(r),
                   decltype(s), decltype(t), decltype(u), decltype(v)>(
            a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v);
    } else if constexpr (count == 23) {
        auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w] = whole;
        return visit.template
        operator()<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e), decltype(f),
                   decltype(g), decltype(h), decltype(i), decltype(j), decltype(k), decltype(l),
                   decltype(m), decltype(n), decltype(o), decltype(p), decltype(q), decltype(r),
                   decltype(s), decltype(t), decltype(u), decltype(v), decltype(w)>(
            a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w);
    } else if constexpr (count == 24) {
        auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x] = whole;
        return visit.template
        operator()<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e), decltype(f),
                   decltype(g), decltype(h), decltype(i), decltype(j), decltype(k), decltype(l),
                   decltype(m), decltype(n), decltype(o), decltype(p), decltype(q), decltype(r),
                   decltype(s), decltype(t), decltype(u), decltype(v), decltype(w), decltype(x)>(
            a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x);
    } else if constexpr (count == 25) {
        auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y] = whole;
        return visit
            .template operator()<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e),
                                 decltype(f), decltype(g), decltype(h), decltype(i), decltype(j),
                                 decltype(k), decltype(l), decltype(m), decltype(n), decltype(o),
                                 decltype(p), decltype(q), decltype(r), decltype(s), decltype(t),
                                 decltype(u), decltype(v), decltype(w), decltype(x), decltype(y)>(
                a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y);
    } else if constexpr (count == 26) {
        auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z] =
            whole;
        return visit.template
        operator()<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e), decltype(f),
                   decltype(g), decltype(h), decltype(i), decltype(j), decltype(k), decltype(l),
                   decltype(m), decltype(n), decltype(o), decltype(p), decltype(q), decltype(r),
                   decltype(s), decltype(t), decltype(u), decltype(v), decltype(w), decltype(x),
                   decltype(y), decltype(z)>(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r,
                                             s, t, u, v, w, x, y, z);
    } else if constexpr (count == 27) {
        auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z, aa] =
            whole;
        return visit.template
        operator()<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e), decltype(f),
                   decltype(g), decltype(h), decltype(i), decltype(j), decltype(k), decltype(l),
                   decltype(m), decltype(n), decltype(o), decltype(p), decltype(q), decltype(r),
                   decltype(s), decltype(t), decltype(u), decltype(v), decltype(w), decltype(x),
                   decltype(y), decltype(z), decltype(aa)>(a, b, c, d, e, f, g, h, i, j, k, l, m, n,
                                                           o, p, q, r, s, t, u, v, w, x, y, z, aa);
    } else if constexpr (count == 28) {
        auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z, aa,
               bb] = whole;
        return visit.template
        operator()<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e), decltype(f),
                   decltype(g), decltype(h), decltype(i), decltype(j), decltype(k), decltype(l),
                   decltype(m), decltype(n), decltype(o), decltype(p), decltype(q), decltype(r),
                   decltype(s), decltype(t), decltype(u), decltype(v), decltype(w), decltype(x),
                   decltype(y), decltype(z), decltype(aa), decltype(bb)>(
            a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z, aa, bb);
    } else if constexpr (count == 29) {
        auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z, aa, bb,
               cc] = whole;
        return visit.template
        operator()<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e), decltype(f),
                   decltype(g), decltype(h), decltype(i), decltype(j), decltype(k), decltype(l),
                   decltype(m), decltype(n), decltype(o), decltype(p), decltype(q), decltype(r),
                   decltype(s), decltype(t), decltype(u), decltype(v), decltype(w), decltype(x),
                   decltype(y), decltype(z), decltype(aa), decltype(bb), decltype(cc)>(
            a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z, aa, bb,
            cc);
    } else if constexpr (count == 30) {
        auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z, aa, bb,
               cc, dd] = whole;
        return visit.template operator()<
            decltype(a), decltype(b), decltype(c), decltype(d), decltype(e), decltype(f),
            decltype(g), decltype(h), decltype(i), decltype(j), decltype(k), decltype(l),
            decltype(m), decltype(n), decltype(o), decltype(p), decltype(q), decltype(r),
            decltype(s), decltype(t), decltype(u), decltype(v), decltype(w), decltype(x),
            decltype(y), decltype(z), decltype(aa), decltype(bb), decltype(cc), decltype(dd)>(
            a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z, aa, bb,
            cc, dd);
    } else if constexpr (count == 31) {
        auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z, aa, bb,
               cc, dd, ee] = whole;
        return visit.template
        operator()<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e), decltype(f),
                   decltype(g), decltype(h), decltype(i), decltype(j), decltype(k), decltype(l),
                   decltype(m), decltype(n), decltype(o), decltype(p), decltype(q), decltype(r),
                   decltype(s), decltype(t), decltype(u), decltype(v), decltype(w), decltype(x),
                   decltype(y), decltype(z), decltype(aa), decltype(bb), decltype(cc), decltype(dd),
                   decltype(ee)>(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v,
                                 w, x, y, z, aa, bb, cc, dd, ee);
    } else if constexpr (count == 32) {
        auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z, aa, bb,
               cc, dd, ee, ff] = whole;
        return visit.template
        operator()<decltype(a), decltype(b), decltype(c), decltype(d), decltype(e), decltype(f),
                   decltype(g), decltype(h), decltype(i), decltype(j), decltype(k), decltype(l),
                   decltype(m), decltype(n), decltype(o), decltype(p), decltype(q), decltype(r),
                   decltype(s), decltype(t), decltype(u), decltype(v), decltype(w), decltype(x),
                   decltype(y), decltype(z), decltype(aa), decltype(bb), decltype(cc), decltype(dd),
                   decltype(ee), decltype(ff)>(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r,
                                               s, t, u, v, w, x, y, z, aa, bb, cc, dd, ee, ff);
    }
}

}  // namespace tandem::detail
