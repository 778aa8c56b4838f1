using System.Buffers.Text;
using System.ComponentModel;
using System.Security.Cryptography;
using System.Text;
using Insa.Iiot.AspNetCore.Problems;
using Microsoft.AspNetCore.Mvc;

namespace Insa.Iiot.AspNetCore.Http;

/// <summary>Which part of a list is asked for. A cursor is good for its own list and tenant alone.</summary>
internal readonly record struct PageQuery(
    [property: FromQuery(Name = "limit"), Description("How many at most, 1 to 1,000.")] int? Limit,
    [property: FromQuery(Name = "cursor"), Description("The 'next' of the page before.")] string? Cursor
)
{
    private const int Most = 1000;
    private const int SealBytes = 8;

    public int Count => Limit ?? 100;

    /// <returns>What is wrong with the query; <see langword="null"/> if nothing is.</returns>
    public Problem? Read(string list, out string? after)
    {
        after = null;
        if (Count is < 1 or > Most)
            return Problem.Invalid($"The limit is from 1 to {Most}.", "limit");
        if (Cursor is null)
            return null;
        if (!Base64Url.IsValid(Cursor, out var length) || length <= SealBytes)
            return NoCursor();
        var bytes = Base64Url.DecodeFromChars(Cursor);
        if (!bytes.AsSpan(0, SealBytes).SequenceEqual(Seal(list)))
            return NoCursor();
        after = Encoding.UTF8.GetString(bytes, SealBytes, length - SealBytes);
        return null;
    }

    /// <summary>Makes a page of what was found with <see cref="Count"/>.</summary>
    public Page<TItem> ToPage<TFound, TItem>(string list, IReadOnlyList<TFound> found, Func<TFound, TItem> map, Func<TFound, string> id) =>
        ToPage(list, found, found.Count == Count, map, id);

    /// <summary>Makes a page of things that end by their size.</summary>
    /// <param name="list">The list.</param>
    /// <param name="found">What is on the page.</param>
    /// <param name="isMore">Whether there may be a next page.</param>
    /// <param name="map">What a thing is to a client.</param>
    /// <param name="id">What names a thing in the list.</param>
    public static Page<TItem> ToPage<TFound, TItem>(
        string list,
        IReadOnlyList<TFound> found,
        bool isMore,
        Func<TFound, TItem> map,
        Func<TFound, string> id
    ) => new([.. found.Select(map)], isMore ? Write(list, id(found[^1])) : null);

    private static string Write(string list, string last) => Base64Url.EncodeToString([.. Seal(list), .. Encoding.UTF8.GetBytes(last)]);

    private static byte[] Seal(string list) => SHA256.HashData(Encoding.UTF8.GetBytes(list))[..SealBytes];

    private static Problem NoCursor() => Problem.Invalid("The cursor is not one of this list's.", "cursor");
}
