namespace Insa.Iiot.AspNetCore.Http;

/// <summary>A part of a list.</summary>
/// <param name="Items">What is on it.</param>
/// <param name="Next">The <c>cursor</c> of the next page; null on the last.</param>
internal sealed record Page<T>(IReadOnlyList<T> Items, string? Next);
