using System.Reflection;
using Insa.Iiot.AspNetCore.Authentication;
using Insa.Iiot.Tenancy;
using Microsoft.AspNetCore.Http;

namespace Insa.Iiot.AspNetCore;

/// <summary>Who makes a request: a user or a program, as it was found from the credential. Immutable. Endpoints take it as a parameter.</summary>
public sealed class Caller : ITenantContext
{
    private readonly TenantId? _tenant;

    internal Caller(
        string id,
        bool isUser,
        TenantId? tenant,
        PermissionSet permissions,
        bool isOperator,
        string? session,
        TenantId? actsFrom
    )
    {
        (Id, IsUser, _tenant, Permissions, IsOperator, Session, ActsFrom) = (
            id,
            isUser,
            tenant,
            permissions,
            isOperator,
            session,
            actsFrom
        );
        Actor = new Actor(id, permissions);
    }

    /// <summary>The id of the user, or of the program's API key.</summary>
    public string Id { get; }

    /// <summary>Whether it is a user; else it is a program with an API key.</summary>
    public bool IsUser { get; }

    /// <summary>Whether the caller works for a tenant.</summary>
    public bool HasTenant => _tenant is not null;

    /// <summary>The tenant that the caller works for.</summary>
    /// <exception cref="InvalidOperationException">The caller works for none; <c>RequireTenant</c> lets nobody in who does not.</exception>
    public TenantId Tenant => _tenant ?? throw new InvalidOperationException("The caller works for no tenant.");

    /// <summary>What the caller may do within the tenant.</summary>
    public PermissionSet Permissions { get; }

    /// <summary>Whether the caller operates the platform.</summary>
    public bool IsOperator { get; }

    /// <summary>The caller, to the services of tenancy.</summary>
    public Actor Actor { get; }

    /// <summary>The tenant above by which the caller acts, being no member of the tenant itself.</summary>
    public TenantId? ActsFrom { get; }

    /// <summary>The user's session.</summary>
    internal string? Session { get; }

    /// <summary>Lets an endpoint take its caller as a parameter.</summary>
    /// <exception cref="InvalidOperationException">The request has none: the endpoint lacks a guard.</exception>
    public static ValueTask<Caller> BindAsync(HttpContext context, ParameterInfo parameter)
    {
        ArgumentNullException.ThrowIfNull(context);
        return new(
            (context.User as CallerPrincipal)?.Caller
                ?? throw new InvalidOperationException("The request has no caller: guard the endpoint.")
        );
    }
}
