using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Insa.Iiot;

/// <summary>Interns layouts by the bytes of their metric names, for one tenant. Not thread-safe.</summary>
/// <remarks>
/// A trie of names. Each node remembers the child it took last, so a device that repeats its layout costs one comparison per
/// metric and no allocation. A name is validated once, when its node is made. Bounded by the number of nodes.
/// </remarks>
internal sealed class LayoutCache(int maxNodes)
{
    private int _count;

    public Node Root { get; } = new Node(null, [], "");

    /// <summary>Finds the node that extends <paramref name="prefix"/> by one metric.</summary>
    public IngestReason Step(Node prefix, ReadOnlySpan<byte> name, out Node next)
    {
        if (prefix.TryGetChild(name, out next!))
            return IngestReason.None;
        return Add(prefix, name, out next);
    }

    private IngestReason Add(Node prefix, ReadOnlySpan<byte> name, out Node next)
    {
        next = prefix;
        if (name.IsEmpty)
            return IngestReason.NameInvalid;
        if (name.Length > TelemetryLimits.MaxNameBytes)
            return IngestReason.NameTooLong;
        if (!IsValidName(name))
            return IngestReason.NameInvalid;
        for (Node? node = prefix; node is not null; node = node.Parent)
        {
            if (name.SequenceEqual(node.NameUtf8))
                return IngestReason.DuplicateMetric;
        }

        if (_count >= maxNodes)
            return IngestReason.LayoutLimit;
        _count++;
        next = prefix.AddChild(name);
        return IngestReason.None;
    }

    private static bool IsValidName(ReadOnlySpan<byte> name)
    {
        if (!System.Text.Unicode.Utf8.IsValid(name))
            return false;
        foreach (var b in name)
        {
            if (b is < 0x20 or 0x7F)
                return false;
        }

        return true;
    }

    internal sealed class Node(Node? parent, byte[] nameUtf8, string name)
    {
        private Node? _last;
        private Dictionary<byte[], Node>? _children;
        private TelemetryLayout? _layout;

        public Node? Parent { get; } = parent;

        public byte[] NameUtf8 { get; } = nameUtf8;

        public int Depth { get; } = parent is null ? 0 : parent.Depth + 1;

        public TelemetryLayout Layout => _layout ??= MakeLayout();

        public bool TryGetChild(ReadOnlySpan<byte> childName, [NotNullWhen(true)] out Node? child)
        {
            child = _last;
            if (child is not null && childName.SequenceEqual(child.NameUtf8))
                return true;
            if (_children is null || !_children.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(childName, out child))
            {
                child = null;
                return false;
            }

            _last = child;
            return true;
        }

        public Node AddChild(ReadOnlySpan<byte> childName)
        {
            var bytes = childName.ToArray();
            var child = new Node(this, bytes, Encoding.UTF8.GetString(bytes));
            _children ??= new Dictionary<byte[], Node>(Utf8BytesComparer.Instance);
            _children.Add(bytes, child);
            _last = child;
            return child;
        }

        private TelemetryLayout MakeLayout()
        {
            var names = new string[Depth];
            var node = this;
            for (var i = Depth - 1; i >= 0; i--)
            {
                names[i] = node.Name;
                node = node.Parent!;
            }

            return new TelemetryLayout(names);
        }

        private string Name { get; } = name;
    }
}
