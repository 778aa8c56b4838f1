namespace Insa.Iiot.Storage.Postgres.Control;

/// <summary>The order in which changes lock what they change.</summary>
internal sealed class ControlOrder : IComparer<ControlChange>
{
    public static ControlOrder Instance { get; } = new();

    public int Compare(ControlChange? x, ControlChange? y)
    {
        var order = string.CompareOrdinal(x!.Scope.ToString(), y!.Scope.ToString());
        if (order == 0)
            order = string.CompareOrdinal(x.Kind, y.Kind);
        return order != 0 ? order : string.CompareOrdinal(x.Id, y.Id);
    }
}
