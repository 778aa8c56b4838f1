namespace Insa.Iiot.Tenancy;

/// <summary>The fields of an <see cref="AuditEntry"/> that can be erased.</summary>
[Flags]
public enum AuditFields
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary><see cref="AuditEntry.Actor"/>.</summary>
    Actor = 1,

    /// <summary><see cref="AuditEntry.Target"/>.</summary>
    Target = 2,

    /// <summary><see cref="AuditEntry.SourceAddress"/>.</summary>
    SourceAddress = 4,

    /// <summary><see cref="AuditEntry.Details"/>.</summary>
    Details = 8,

    /// <summary>All of them.</summary>
    All = Actor | Target | SourceAddress | Details,
}
