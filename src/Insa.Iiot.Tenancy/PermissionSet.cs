using System.Collections.Frozen;

namespace Insa.Iiot.Tenancy;

/// <summary>Some of <see cref="Permissions.All"/>, as bits: checking one costs no allocation.</summary>
public readonly record struct PermissionSet
{
    private static readonly FrozenDictionary<string, int> Places = Permissions.All.Index().ToFrozenDictionary(p => p.Item, p => p.Index);

    private readonly ulong _bits;

    private PermissionSet(ulong bits) => _bits = bits;

    /// <summary>Every permission there is.</summary>
    public static PermissionSet All { get; } = Of(Permissions.All);

    /// <summary>The permissions' names, in the order of <see cref="Permissions.All"/>.</summary>
    public IReadOnlyList<string> Names
    {
        get
        {
            var bits = _bits;
            return [.. Permissions.All.Where((_, place) => (bits & (1UL << place)) != 0)];
        }
    }

    /// <summary>Makes a set.</summary>
    /// <exception cref="ArgumentException">A name is none of <see cref="Permissions.All"/>.</exception>
    public static PermissionSet Of(params IEnumerable<string> names)
    {
        ArgumentNullException.ThrowIfNull(names);
        var bits = 0UL;
        foreach (var name in names)
            bits |= Places.TryGetValue(name, out var place)
                ? 1UL << place
                : throw new ArgumentException($"'{name}' is no permission.", nameof(names));
        return new PermissionSet(bits);
    }

    /// <summary>Whether a permission is among them; <see langword="false"/> also for what is none.</summary>
    public bool Contains(string name) => Places.TryGetValue(name, out var place) && (_bits & (1UL << place)) != 0;

    /// <summary>Whether all of another set are among them.</summary>
    public bool ContainsAll(PermissionSet others) => (others._bits & ~_bits) == 0;

    /// <summary>What is in either.</summary>
    public PermissionSet With(PermissionSet others) => new(_bits | others._bits);

    /// <summary>Reads names of which some may be of a later version: those are left out, since nothing here asks for them.</summary>
    internal static PermissionSet OfKnown(IEnumerable<string> names) => Of(names.Where(Places.ContainsKey));
}
